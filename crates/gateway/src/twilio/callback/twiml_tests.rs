use super::*;
use proptest::prelude::*;

fn body(text: &str) -> Reply {
    Reply { body: text.to_owned(), ..Reply::default() }
}

fn replies(answer: &str) -> Vec<Reply> {
    let read = read(answer.as_bytes()).unwrap();
    assert_eq!(read.remarks, []);
    read.replies
}

// As the builders of the Python and Node SDKs print them.
#[test]
fn what_the_builders_print_is_understood() {
    let python = r#"<?xml version="1.0" encoding="UTF-8"?><Response><Message to="whatsapp:+15550002222" from="whatsapp:+15550001111" statusCallback="https://shop.example/s?a=1&amp;b=2" method="POST"><Body>Gracias, te llamamos.</Body><Media>https://files.example.net/map.png</Media></Message></Response>"#;
    let reply = Reply {
        to: Some("whatsapp:+15550002222".into()),
        from: Some("whatsapp:+15550001111".into()),
        body: "Gracias, te llamamos.".into(),
        media: vec!["https://files.example.net/map.png".into()],
        status_callback: Some("https://shop.example/s?a=1&b=2".into()),
    };
    assert_eq!(replies(python), [reply]);
    for none in [
        "",
        "  \n",
        "\u{feff}",
        "<Response/>",
        r#"<?xml version="1.0" encoding="UTF-8"?><Response />"#,
        "<Response></Response>\n",
    ] {
        assert_eq!(read(none.as_bytes()), Ok(Answer::default()), "{none}");
    }
    assert_eq!(replies("<Response><Message>one</Message><Message>two</Message></Response>"), [body("one"), body("two")]);
    assert_eq!(replies("<Response><Sms>old</Sms></Response>"), [body("old")]);
}

#[test]
fn text_is_read_as_xml_says() {
    for (written, meant) in [
        ("a &amp; b &lt;3 &#x1F44B;&#233;", "a & b <3 👋é"),
        ("<![CDATA[<b> & ]]>x", "<b> & x"),
        ("\n   first\n  second\n", "first\n  second"),
        ("<!-- nothing -->words", "words"),
        ("a&#10;b\r\nc", "a\nb\nc"),
    ] {
        assert_eq!(replies(&format!("<Response><Message>{written}</Message></Response>")), [body(meant)], "{written}");
        assert_eq!(
            replies(&format!("<Response><Message>\n<Body>{written}</Body>\n</Message></Response>")),
            [body(meant)],
            "{written}"
        );
    }
    let split = "<Response><Message><Body>one </Body><Body>two</Body></Message></Response>";
    assert_eq!(replies(split), [body("one two")]);
}

#[test]
fn a_redirect_is_the_end() {
    let answer = read(br#"<Response><Message>first</Message><Redirect method="get"> /next?a=1&amp;b=2 </Redirect><Message>never</Message></Response>"#).unwrap();
    assert_eq!(answer.replies, [body("first")]);
    assert_eq!(answer.redirect, Some(Redirect { url: "/next?a=1&b=2".into(), get: true }));
    assert_eq!(read(b"<Response><Redirect> </Redirect></Response>").unwrap().redirect, None);
}

#[test]
fn what_is_no_twiml_is_told_by_its_code() {
    let long = format!("<Response><Message>{}</Message></Response>", "x".repeat(TWIML_MAX));
    let deep = format!("<Response>{}{}</Response>", "<a>".repeat(DEPTH_MAX), "</a>".repeat(DEPTH_MAX));
    for (answer, code) in [
        ("OK", NOT_MARKUP),
        (r#"{"ok":true}"#, NOT_MARKUP),
        (long.as_str(), TOO_LONG),
        (deep.as_str(), NOT_TWIML),
        ("<html><body>Not found</body></html>", NOT_TWIML),
        ("<response><Message>x</Message></response>", NOT_TWIML),
        ("<!DOCTYPE Response [<!ENTITY a \"aaaa\">]><Response><Message>&a;</Message></Response>", NOT_TWIML),
        ("<Response><Message>&a;</Message></Response>", NOT_XML),
        ("<Response><Message>fish & chips</Message></Response>", NOT_XML),
        ("<Response><Message>x</Response>", NOT_XML),
        ("<Response><Message>x", NOT_XML),
        ("<Response/><Response/>", NOT_XML),
        ("<Response/>trailing", NOT_XML),
        ("<Response><Message to='a' to='b'>x</Message></Response>", NOT_XML),
        ("<Response><Message>&#0;</Message></Response>", NOT_XML),
        ("<Response><Message>&#8;</Message></Response>", NOT_XML),
        ("<?xml version='1.0'?>", NOT_XML),
        ("<", NOT_XML),
    ] {
        assert_eq!(read(answer.as_bytes()).unwrap_err().code, code, "{}", &answer[..answer.len().min(60)]);
    }
    assert_eq!(read(b"<Response><Message>\xff</Message></Response>").unwrap_err().code, NOT_XML);
}

#[test]
fn what_is_too_much_or_unknown_is_left_out_and_told() {
    let many = format!("<Response>{}</Response>", "<Message>x</Message>".repeat(12));
    let answer = read(many.as_bytes()).unwrap();
    assert_eq!((answer.replies.len(), answer.remarks.first().map(|r| r.code)), (REPLIES_MAX, Some(TOO_MANY)));
    let odd = "<Response><Say>hello</Say><Message>x<Emoji>y</Emoji></Message><Message/></Response>";
    let answer = read(odd.as_bytes()).unwrap();
    assert_eq!(answer.replies, [body("x")]);
    assert_eq!(answer.remarks.iter().map(|r| r.code).collect::<Vec<_>>(), [NOT_TWIML; 3]);
    let noise = format!("<Response>{}{}</Response>", "<a/>".repeat(500), "<Message>x</Message>".repeat(11));
    let answer = read(noise.as_bytes()).unwrap();
    assert_eq!((answer.remarks.len(), answer.remarks.last().map(|r| r.code)), (REMARKS_MAX, Some(TOO_MANY)));
}

proptest! {
    #[test]
    fn no_answer_makes_the_reader_panic_and_all_is_bounded(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "<Response>", "</Response>", "<Message>", "<Message to='a'>", "</Message>", "<Body>", "</Body>", "<Media>", "</Media>",
                "<Redirect>", "</Redirect>", "<x/>", "&amp;", "&#65;", "&#x110000;", "&", "<![CDATA[", "]]>", "<!--", "-->", "<?", "?>",
                "<!DOCTYPE a>", "text", "é", "<", ">", "\"", "'", "=",
            ]),
            0..40,
        ),
        wild in ".{0,60}",
    ) {
        for text in [parts.concat(), format!("<Response>{}</Response>", parts.concat()), wild] {
            if let Ok(answer) = read(text.as_bytes()) {
                prop_assert!(answer.replies.len() <= REPLIES_MAX && answer.remarks.len() <= REMARKS_MAX);
                prop_assert!(answer.replies.iter().all(|r| !r.body.is_empty() || !r.media.is_empty()));
            }
        }
    }

    #[test]
    fn any_text_that_is_escaped_comes_back(text in "[^\\p{C}]{1,60}") {
        let escaped = quick_xml::escape::escape(text.as_str());
        let answer = read(format!("<Response><Message><Body>{escaped}</Body></Message></Response>").as_bytes()).unwrap();
        let expected: Vec<Reply> = Some(body(text.trim())).filter(|reply| !reply.body.is_empty()).into_iter().collect();
        prop_assert_eq!(answer.replies, expected);
    }
}
