//! What must stand before the tour starts: products, a sample picture, and approved templates that the gateway knows.

use reqwest::Method;
use serde_json::{Value, json};

use super::content::{Shop, content, template, template_name, variables};
use super::plan::Row;
use super::{Tour, until};
use crate::fail::Fail;

/// The smallest picture that Meta takes as a sample: one white pixel.
const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0,
    0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0xf8, 0x0f, 0, 1, 1, 1, 0, 0x1b, 0xb6, 0xee,
    0x56, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

impl Tour {
    /// Makes what is missing; a second tour on the same desk finds its templates there.
    pub(super) async fn set_up_shop(&self, templates: &[Row]) -> Result<Shop, Fail> {
        let shop = Shop { catalog: self.env.catalog_id.clone(), products: self.products().await?, sample: self.sample().await? };
        for row in templates {
            self.approve(row, &shop).await?;
        }
        self.known_to_gateway(templates, &shop).await?;
        Ok(shop)
    }

    async fn products(&self) -> Result<[String; 2], Fail> {
        let path = format!("/v25.0/{}/products?fields=retailer_id", self.env.catalog_id);
        let listed = self.graph.must(Method::GET, &path, None).await?;
        let mut ids =
            listed["data"].as_array().into_iter().flatten().filter_map(|p| p["retailer_id"].as_str()).map(str::to_owned);
        match (ids.next(), ids.next()) {
            (Some(one), Some(other)) => Ok([one, other]),
            _ => Err(Fail::new(format!("catalog {} has fewer than two products", self.env.catalog_id))
                .remedy("Add products at the simulator with POST /sim/v1/catalogs.")),
        }
    }

    async fn sample(&self) -> Result<String, Fail> {
        let path =
            format!("/v25.0/{}/uploads?file_name=picture.png&file_length={}&file_type=image%2Fpng", self.env.app_id, PIXEL.len());
        let opened = self.graph.must(Method::POST, &path, None).await?;
        let id = opened["id"].as_str().ok_or_else(|| Fail::new(format!("an upload was opened without an id: {opened}")))?;
        let headers = [("authorization", format!("OAuth {}", self.env.access_token)), ("file_offset", "0".to_owned())];
        // Graph asks for another scheme here than everywhere else, so this goes through the client without a token of its own.
        let graph = crate::client::Client::plain(&self.env.graph_url)?;
        let done = graph.upload(&format!("/v25.0/{id}"), &headers, PIXEL.to_vec()).await?;
        done["h"].as_str().map(str::to_owned).ok_or_else(|| Fail::new(format!("an upload ended without a handle: {done}")))
    }

    async fn approve(&self, row: &Row, shop: &Shop) -> Result<(), Fail> {
        let name = template_name(row);
        let path = format!("/v25.0/{}/message_templates", self.env.waba_id);
        let listed = self.graph.must(Method::GET, &format!("{path}?name={name}&fields=id,name,status"), None).await?;
        let there = listed["data"].as_array().into_iter().flatten().find(|t| t["name"] == name.as_str()).cloned();
        let found = match there {
            Some(found) => found,
            None => self.graph.must(Method::POST, &path, Some(&template(row, shop))).await?,
        };
        let id = match &found["id"] {
            Value::String(id) => id.clone(),
            other => other.to_string(),
        };
        if found["status"] != "APPROVED" {
            self.sim
                .must(Method::POST, &format!("/sim/v1/templates/{id}/review"), Some(&json!({ "decision": "approve" })))
                .await?;
        }
        Ok(())
    }

    /// Asks until the gateway has read each template: a question about unknown content makes it look at Meta's list again.
    async fn known_to_gateway(&self, templates: &[Row], shop: &Shop) -> Result<(), Fail> {
        for row in templates {
            // Nobody's number, and no session: only a template can carry it.
            let question = json!({
                "to": "+4915599999999",
                "from": self.env.sender,
                "content": content(row, shop),
                "variables": variables(row),
            });
            until(&format!("the gateway's reading of the template {}", template_name(row)), || async {
                let verdict = self.native.must(Method::POST, &self.path("verdicts"), Some(&question)).await?;
                let kind = verdict.pointer("/verdict/kind").or_else(|| verdict.get("kind")).and_then(Value::as_str);
                Ok((kind == Some("template")).then_some(()))
            })
            .await?;
        }
        Ok(())
    }
}
