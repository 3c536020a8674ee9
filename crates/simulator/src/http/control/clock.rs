//! World time, and the turning of it.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Response;
use serde::Deserialize;
use serde_json::json;
use transom_clock::TurnError;
use transom_domain::Span;

use super::{Control, printed, typed};
use crate::http::App;
use crate::world::desk::Refusal;
use crate::world::effects::{Change, Entity};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Turn {
    advance_seconds: f64,
}

pub(super) async fn read(State(app): State<App>) -> Response<Body> {
    printed(Ok(shown(&app)))
}

fn shown(app: &App) -> serde_json::Value {
    let clock = &app.engine.clock;
    let now = clock.now();
    json!({
        "now": rfc3339(now.as_millis()),
        "nowMs": now.as_millis(),
        "turnable": clock.is_turnable(),
        "offsetSeconds": clock.offset().as_secs(),
    })
}

pub(super) async fn turn(State(app): State<App>, body: Bytes) -> Response<Body> {
    printed(advance(&app, &body).await)
}

async fn advance(app: &App, body: &Bytes) -> Control {
    let turn: Turn = typed(body)?;
    let millis = turn.advance_seconds * 1_000.0;
    if !millis.is_finite() || !(0.0..=4e11).contains(&millis) {
        return Err(Refusal::invalid(
            "advanceSeconds",
            "the clock turns forward only, by at most ten years at once",
            "give seconds, 0 or more",
        ));
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked against the range above")]
    let by = Span::millis(millis.round() as i64);
    // Durable before anybody sees it.
    let keep = |offset: Span| async move {
        app.engine
            .commit(|world, _| {
                world.effects.changes.push(Change::Put { kind: Entity::Clock, id: 0, json: offset.as_millis().to_string() });
            })
            .await
            .map_err(|fault| fault.to_string())
    };
    match app.engine.clock.turn(by, keep).await {
        Ok(_) => Ok(shown(app)),
        Err(error @ TurnError::NotTurnable) => {
            Err(Refusal::conflict("advanceSeconds", &error.to_string(), "start `transom dev` or `transom simulate`"))
        }
        Err(error @ TurnError::OutOfRange) => {
            Err(Refusal::invalid("advanceSeconds", &error.to_string(), "turn it in smaller steps"))
        }
        Err(error) => Err(Refusal {
            status: 503,
            field: Some("advanceSeconds".into()),
            message: error.to_string(),
            remedy: "look at the simulator's log, then try again".into(),
        }),
    }
}

/// A moment as RFC 3339 with milliseconds, in UTC. (Days to a date after Howard Hinnant's public-domain algorithm.)
fn rfc3339(millis: i64) -> String {
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, millis) = (rest / 1_000, rest % 1_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn moments_are_written_in_utc() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_793_000_001_250, "2026-10-26T07:33:21.250Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(millis), text);
        }
    }
}
