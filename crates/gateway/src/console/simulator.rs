//! `/console/sim/…`: the controls of the simulator on the same desk, under the console's own origin and its one cookie.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::response::Response;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use transom_domain::error_code::ErrorCode;

use crate::http::App;
use crate::problem::Problem;
use crate::service::Credential;

/// What is passed on of a question: nothing that says who asks.
const ASKED: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::ACCEPT, HeaderName::from_static("last-event-id")];
/// What is passed on of an answer.
const ANSWERED: [HeaderName; 3] = [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CACHE_CONTROL];
/// Whatever a customer's file holds, a browser that opens it by itself runs nothing of it.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// The way to the simulator; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Pipe {
    client: Client<HttpConnector, Body>,
    address: String,
}

impl Pipe {
    pub(super) fn new(address: &str) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), address: address.to_owned() }
    }
}

/// Any method.
pub(super) async fn pass_on(State(app): State<App>, Path(rest): Path<String>, request: Request) -> Result<Response, Problem> {
    let nothing = || Problem::new(ErrorCode::NotFound, "There is no simulator here: this gateway is not of `transom dev`.");
    let desk = app.console.0.desk.as_ref().ok_or_else(nothing)?;
    let (parts, body) = request.into_parts();
    if app.console.credential(&parts).await? != Credential::Desk {
        return Err(nothing());
    }
    // As it was spelt: what was decoded to find the way here must not be decoded twice.
    let path = parts.uri.path().strip_prefix("/console/sim/").unwrap_or(&rest);
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let unreachable = |why: String| {
        tracing::warn!(error = %why, "the simulator does not answer");
        Problem::new(ErrorCode::Overloaded, "The simulator does not answer.").retry_after(1)
    };
    let uri: Uri = format!("{}/sim/v1/{path}{query}", desk.pipe.address).parse().map_err(|_| nothing())?;
    let mut question = Request::new(body);
    *question.method_mut() = parts.method;
    *question.uri_mut() = uri;
    take_over(&parts.headers, question.headers_mut(), &ASKED);
    let answer = desk.pipe.client.request(question).await.map_err(|why| unreachable(why.to_string()))?;
    let (heard, body) = answer.into_parts();
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = heard.status;
    let headers = response.headers_mut();
    take_over(&heard.headers, headers, &ANSWERED);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    transom_web::guard(headers);
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn take_over(from: &HeaderMap, to: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        if let Some(value) = from.get(name) {
            to.insert(name.clone(), value.clone());
        }
    }
}
