//! Template sends of every make: what our check lets through, Graph takes for the template that was created.

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use serde_json::{Value, json};
use transom_domain::address::Phone;
use transom_domain::parameters::check;
use transom_domain::shown::with_samples;
use transom_domain::template::{ButtonParameter, ButtonValue, TemplateSend, TextParameter};
use transom_meta::send::{Envelope, Recipient, template as print};
use transom_meta::templates::parse;
use transom_simulator::probe;

/// Inputs of the test: as many as fit into so many milliseconds.
const EACH_MS: u64 = 2_000;

fn text(u: &mut Unstructured<'_>, named: bool) -> Result<(String, Vec<&'static str>)> {
    let names: &[&'static str] = if named { &["first_name", "a_name_longer_than_contents", "day"] } else { &["1", "2", "3"] };
    let count = u.int_in_range(0..=names.len())?;
    let names: Vec<&'static str> = names.iter().take(count).copied().collect();
    let middle: String = names.iter().map(|name| format!("and then some more words for {{{{{name}}}}} here ")).collect();
    Ok((format!("Hello to you {middle}as you asked for."), names))
}

fn body(u: &mut Unstructured<'_>, named: bool) -> Result<Value> {
    let (text, names) = text(u, named)?;
    let example = if named {
        json!({"body_text_named_params": names.iter().map(|n| json!({"param_name": n, "example": "x"})).collect::<Vec<_>>()})
    } else {
        json!({"body_text": [names.iter().map(|_| "x").collect::<Vec<_>>()]})
    };
    let mut made = json!({"type": "BODY", "text": text});
    if !names.is_empty() {
        made["example"] = example;
    }
    Ok(made)
}

fn header(u: &mut Unstructured<'_>, kinds: &[&str]) -> Result<Value> {
    Ok(match *u.choose(kinds)? {
        "TEXT" => json!({"type": "HEADER", "format": "TEXT", "text": "For {{1}} now", "example": {"header_text": ["x"]}}),
        "LOCATION" => json!({"type": "HEADER", "format": "LOCATION"}),
        kind => json!({"type": "HEADER", "format": kind, "example": {"header_handle": ["4::aW1hZ2U="]}}),
    })
}

fn buttons(u: &mut Unstructured<'_>, kinds: &[&str], most: usize) -> Result<Value> {
    let mut made = Vec::new();
    for at in 0..u.int_in_range(1..=most)? {
        made.push(match *u.choose(kinds)? {
            "QUICK_REPLY" => json!({"type": "QUICK_REPLY", "text": format!("Yes {at}")}),
            "URL" => json!({"type": "URL", "text": format!("See {at}"), "url": "https://shop.example/t/{{1}}",
                "example": ["https://shop.example/t/8"]}),
            "COPY_CODE" => json!({"type": "COPY_CODE", "example": "SAVE10"}),
            _ => json!({"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+4915112345678"}),
        });
    }
    Ok(json!({"type": "BUTTONS", "buttons": made}))
}

fn create(u: &mut Unstructured<'_>) -> Result<Value> {
    let named = u.ratio(1, 3)?;
    let format = if named { "NAMED" } else { "POSITIONAL" };
    let request = |category: &str, components: Vec<Value>| json!({"name": "t", "language": "en", "category": category, "parameter_format": format, "components": components});
    if u.ratio(1, 8)? {
        return Ok(json!({"name": "t", "language": "en", "category": "AUTHENTICATION", "components": [
            {"type": "BODY", "add_security_recommendation": true},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]}]}));
    }
    if u.ratio(1, 4)? {
        let kinds = buttons(u, &["QUICK_REPLY", "URL"], 2)?;
        let mut cards = Vec::new();
        for _ in 0..2 {
            cards.push(json!({"components": [
                header(u, &["IMAGE"])?, {"type": "BODY", "text": "Only for you, and for today."}, kinds]}));
        }
        return Ok(request("MARKETING", vec![body(u, named)?, json!({"type": "CAROUSEL", "cards": cards})]));
    }
    let mut components = Vec::new();
    if u.ratio(1, 2)? {
        let kinds: &[&str] = if named { &["IMAGE", "LOCATION"] } else { &["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION"] };
        components.push(header(u, kinds)?);
    }
    components.push(body(u, named)?);
    if u.ratio(2, 3)? {
        components.push(buttons(u, &["QUICK_REPLY", "URL", "COPY_CODE", "PHONE_NUMBER"], 3)?);
    }
    Ok(request("MARKETING", components))
}

/// A value as a caller might give it.
fn value(u: &mut Unstructured<'_>) -> Result<String> {
    let some = ["Ana", "", " ", "a\nb", "a     b", "a    b", "8812?x=1", "https://shop.example/t/8", "{{1}}", "größer"];
    let mut value = (*u.choose(&some)?).to_owned();
    if u.ratio(1, 10)? {
        value = "x".repeat(u.int_in_range(1..=1_100)?);
    }
    Ok(value)
}

fn harmed(u: &mut Unstructured<'_>, send: &mut TemplateSend) -> Result<()> {
    for _ in 0..u.int_in_range(0..=2)? {
        match u.int_in_range(0..=6)? {
            0 => drop(send.body.pop()),
            1 => send.body.push(TextParameter { name: None, text: value(u)? }),
            2 => send.body.reverse(),
            3 => send.header = None,
            4 => drop(send.buttons.pop()),
            5 => {
                let index = u.int_in_range(0..=4)?;
                send.buttons.push(ButtonParameter { index, value: ButtonValue::Payload { payload: value(u)? } });
            }
            _ => drop(send.cards.pop()),
        }
    }
    for given in &mut send.body {
        if u.ratio(1, 4)? {
            given.text = value(u)?;
        }
    }
    for button in &mut send.buttons {
        let given = value(u)?;
        match &mut button.value {
            ButtonValue::UrlSuffix { suffix: text } | ButtonValue::CouponCode { code: text } if u.ratio(1, 4)? => *text = given,
            ButtonValue::OneTimeCode { code } if u.ratio(1, 8)? => *code = given,
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn what_passes_the_check_is_taken_by_graph() {
    let phone = Phone::parse("+4915112345678").unwrap();
    let around = Envelope { recipient: Recipient::To(&phone), context: None, callback: "" };
    let (mut passed, mut held) = (0u32, 0u32);
    arbtest(|u| {
        let create = create(u)?;
        if probe::create_template(&create).is_err() {
            return Ok(());
        }
        let mut listed = create.clone();
        listed["id"] = json!("1");
        listed["status"] = json!("APPROVED");
        let template = parse(&listed).unwrap();
        let mut send = with_samples(&template);
        harmed(u, &mut send)?;
        if check(&send, &template.definition).is_err() {
            held += 1;
            return Ok(());
        }
        passed += 1;
        let message = print(&around, &send);
        if let Err(why) = probe::template_takes(&create, &message) {
            panic!("Graph refuses what was checked: {why}\n{create}\n{message}");
        }
        Ok(())
    })
    .budget_ms(EACH_MS);
    assert!(passed > 100 && held > 100, "{passed} passed, {held} were held: the test shows little");
}
