//! Messenger as its documents describe it.

use std::sync::Arc;

use serde_json::{Value, json};
use transom_domain::{Span, Timestamp};

use super::Step;
use crate::chance::{Chance, Seed};
use crate::graph::messenger::{Posted, read};
use crate::graph::read::Fields;
use crate::world::account::AppSubscription;
use crate::world::tap::{Aim, Tapped};
use crate::world::{Now, Timer, World};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_123);

fn at(after: Span) -> Now {
    Now { world: START.plus(after), machine_second: after.as_secs() }
}

/// A world with a Page that everything is told of, and a person.
fn world() -> (World, u64, u64) {
    let seed = Seed::fixed(5);
    let mut world = World::first(Chance::new(seed));
    world.open_home_page(seed);
    let page = world.app.home.page;
    let fields: Vec<String> = super::FIELDS.map(str::to_owned).to_vec();
    let callback_url = "https://a.example".to_owned();
    world.app.page_subscription = Some(AppSubscription { callback_url, verify_token: "t".into(), fields: fields.clone() });
    world.messenger.pages.get_mut(&page).unwrap().subscribed = fields;
    let new = serde_json::from_value(json!({"channel": "messenger", "name": "Ana B"})).unwrap();
    let person = world.add_person(at(Span::ZERO), new).unwrap()["psid"].as_str().unwrap().parse().unwrap();
    (world, page, person)
}

fn says(world: &mut World, now: Now, person: u64, body: Value) -> Option<String> {
    let deed = super::inbound::read(&Fields::body(&body).unwrap()).unwrap();
    world.person_does(now, person, deed, None).unwrap()
}

fn send(world: &mut World, now: Now, page: u64, person: u64, more: Value) -> Result<String, (u32, Value)> {
    let mut body = json!({"recipient": {"id": person.to_string()}, "messaging_type": "RESPONSE", "message": {"text": "Hello"}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let Ok(Posted::Message(request)) = read(&body) else { panic!("{body}") };
    world
        .page_sends(now, page, *request)
        .map(|accepted| accepted.mid)
        .map_err(|error| (error.code, error.body("A")["error"].clone()))
}

/// The events that are owed, in the order in which they came about.
fn told(world: &World) -> Vec<Value> {
    let mut all: Vec<(u64, Arc<str>)> = world.owed.iter().filter_map(|(id, owed)| Some((id, owed.entry.clone()?))).collect();
    all.sort_unstable_by_key(|(id, _)| *id);
    all.iter().map(|(_, entry)| serde_json::from_str::<Value>(entry).unwrap()["messaging"][0].clone()).collect()
}

/// Lets everything happen by itself.
fn settle(world: &mut World) {
    while let Some((due, _)) = world.timers.iter().find(|(_, timer)| matches!(timer, Timer::Messenger(..))).copied() {
        world.tick(Now { world: Timestamp::from_millis(due), machine_second: 0 });
    }
}

#[test]
fn the_window_is_a_day_and_a_human_has_seven() {
    let (mut world, page, person) = world();
    let window = |result: Result<String, (u32, Value)>| result.map_err(|(code, error)| (code, error["error_subcode"].as_i64()));
    let closed = Err((10, Some(2_018_278)));
    assert_eq!(window(send(&mut world, at(Span::ZERO), page, person, json!({}))), closed);
    says(&mut world, at(Span::ZERO), person, json!({"type": "text", "text": {"body": "Hi"}}));
    let human = json!({"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"});
    let (day, week) = (Span::hours(24), Span::days(7));
    let just_before = |span: Span| at(Span::millis(span.as_millis() - 1));
    assert!(send(&mut world, just_before(day), page, person, json!({})).is_ok());
    assert_eq!(window(send(&mut world, at(day), page, person, json!({}))), closed);
    assert!(send(&mut world, at(day), page, person, human.clone()).is_ok());
    assert!(send(&mut world, just_before(week), page, person, human.clone()).is_ok());
    assert_eq!(window(send(&mut world, at(week), page, person, human)), closed);
}

#[test]
fn strangers_and_those_who_blocked_are_named() {
    let (mut world, page, person) = world();
    let refused = send(&mut world, at(Span::ZERO), page, person + 1, json!({})).unwrap_err();
    assert_eq!((refused.0, refused.1["error_subcode"].as_i64()), (100, Some(2_018_001)));
    assert!(refused.1.get("error_data").is_none(), "there is none on Messenger");
    world.change_person(at(Span::ZERO), person, serde_json::from_value(json!({"blocked": true})).unwrap()).unwrap();
    assert_eq!(send(&mut world, at(Span::ZERO), page, person, json!({})).unwrap_err().0, 551);
}

#[test]
fn a_message_is_echoed_then_delivered_then_read_by_watermark() {
    let (mut world, page, person) = world();
    says(&mut world, at(Span::ZERO), person, json!({"type": "text", "text": {"body": "Grüße"}}));
    let mid =
        send(&mut world, at(Span::secs(1)), page, person, json!({"message": {"text": "Hello", "metadata": "tag"}})).unwrap();
    settle(&mut world);
    assert_eq!(world.person_reads(at(Span::secs(9)), person, None).unwrap(), 1);
    let told = told(&world);
    let sent_at = START.plus(Span::secs(1)).as_millis();
    assert_eq!(told[0]["message"]["text"], "Grüße");
    assert_eq!((&told[1]["message"]["mid"], &told[1]["message"]["metadata"]), (&json!(mid), &json!("tag")));
    assert_eq!(told[1]["message"]["is_echo"], true);
    assert_eq!((&told[1]["sender"]["id"], &told[1]["recipient"]["id"]), (&json!(page.to_string()), &json!(person.to_string())));
    assert_eq!(told[2]["delivery"]["watermark"], sent_at);
    assert_eq!((&told[3]["read"], told.len()), (&json!({"watermark": sent_at}), 4));
    // The body is signed with everything but ASCII escaped.
    assert!(world.owed.iter().all(|(_, owed)| owed.entry.as_ref().is_some_and(|entry| entry.is_ascii())));
}

#[test]
fn nothing_is_delivered_to_who_is_offline_until_they_are_back() {
    let (mut world, page, person) = world();
    says(&mut world, at(Span::ZERO), person, json!({"type": "text", "text": {"body": "Hi"}}));
    let change = |world: &mut World, online: bool| {
        world.change_person(at(Span::secs(5)), person, serde_json::from_value(json!({ "online": online })).unwrap()).unwrap()
    };
    change(&mut world, false);
    send(&mut world, at(Span::secs(1)), page, person, json!({})).unwrap();
    settle(&mut world);
    assert!(told(&world).iter().all(|event| event.get("delivery").is_none()));
    assert_eq!(world.person_sees(person).unwrap().len(), 1);
    change(&mut world, true);
    assert!(told(&world).iter().any(|event| event.get("delivery").is_some()));
    assert_eq!(world.person_sees(person).unwrap().len(), 2);
}

#[test]
fn taps_come_back_as_messages_and_postbacks() {
    let (mut world, page, person) = world();
    says(&mut world, at(Span::ZERO), person, json!({"type": "text", "text": {"body": "Hi"}}));
    let quick =
        json!({"message": {"text": "Ten?", "quick_replies": [{"content_type": "text", "title": "Yes", "payload": "YES_17"}]}});
    let quick = send(&mut world, at(Span::secs(1)), page, person, quick).unwrap();
    let buttons = json!({"message": {"attachment": {"type": "template", "payload": {"template_type": "button", "text": "Choose",
        "buttons": [{"type": "postback", "title": "Track", "payload": "TRACK_17"}, {"type": "web_url", "title": "Site", "url": "https://a.example"}]}}}});
    let buttons = send(&mut world, at(Span::secs(1)), page, person, buttons).unwrap();
    assert!(matches!(world.person_taps(at(Span::secs(2)), person, &quick, &Aim::Index(0), None), Ok(Tapped::Wrote(_))));
    assert!(matches!(
        world.person_taps(at(Span::secs(2)), person, &buttons, &Aim::Button("TRACK_17".into()), None),
        Ok(Tapped::Wrote(_))
    ));
    let opened = world.person_taps(at(Span::secs(2)), person, &buttons, &Aim::Index(1), None);
    assert_eq!(opened, Ok(Tapped::Opened("https://a.example".into())));
    let told = told(&world);
    assert!(told.iter().any(|event| event["message"]["quick_reply"]["payload"] == "YES_17" && event["message"]["text"] == "Yes"));
    assert!(told.iter().any(|event| event["postback"]["payload"] == "TRACK_17" && event["postback"]["mid"].is_string()));
}

#[test]
fn a_reaction_is_seen_until_it_is_taken_back() {
    let (mut world, _, person) = world();
    let mid = says(&mut world, at(Span::ZERO), person, json!({"type": "text", "text": {"body": "Hi"}})).unwrap();
    let seen = |world: &World| world.person_sees(person).unwrap()[0]["reaction"].clone();
    let mut reacts = |emoji: &str, action: &str| {
        let reaction = json!({"mid": mid, "emoji": emoji, "action": action});
        says(&mut world, at(Span::secs(1)), person, json!({"type": "reaction", "reaction": reaction}));
        seen(&world)
    };
    assert_eq!(reacts("👍", "react"), "👍");
    assert_eq!(reacts("😂", "react"), "😂");
    assert_eq!(reacts("", "unreact"), Value::Null);
}

#[test]
fn who_does_not_hear_for_an_hour_is_unsubscribed() {
    let (mut world, page, person) = world();
    says(&mut world, at(Span::ZERO), person, json!({"type": "text", "text": {"body": "Hi"}}));
    let id = world.owed.iter().map(|(id, _)| id).next().unwrap();
    let mut now = at(Span::ZERO);
    while let Some(owed) = world.owed.get(id) {
        now = Now { world: Timestamp::from_millis(owed.due), ..now };
        world.webhook_missed(now, id);
        assert!(now.world < START.plus(Span::hours(2)), "given up by then");
    }
    assert!(world.messenger.pages[&page].subscribed.is_empty());
    says(&mut world, now, person, json!({"type": "text", "text": {"body": "Anybody?"}}));
    assert_eq!(world.owed.len(), 0);
}

#[test]
fn its_rows_bring_everything_back() {
    let (mut world, page, person) = world();
    says(&mut world, at(Span::ZERO), person, json!({"type": "text", "text": {"body": "Hi"}}));
    let mid = send(&mut world, at(Span::secs(1)), page, person, json!({})).unwrap();
    let (pages, people) = (world.messenger.pages.clone(), world.messenger.people.clone());
    let messages: Vec<_> = world.messenger.messages.values().cloned().collect();
    let mut again = super::Messenger::default();
    let timers = again.load(pages.into_values().collect(), people.into_values().collect(), messages);
    assert!(matches!(timers[..], [(_, Timer::Messenger(2, Step::Echo))]));
    assert_eq!(again.by_mid(&mid).map(|message| message.person), Some(person));
}
