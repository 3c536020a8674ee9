//! A business with several WhatsApp Business Accounts: nobody has to name one to see what there is.

use super::*;

const OTHER: &str = "2040";

#[tokio::test]
async fn templates_of_all_accounts_are_listed_page_by_page() {
    let desk = Desk::new().await;
    for name in ["a", "c"] {
        desk.create(name, ONE).await.unwrap();
    }
    let service = desk.house.service();
    let first = service.directory.now().of(desk.caller.business)[0].sender.clone();
    let second = Sender {
        id: SenderId(6),
        address: "+493012345679".parse().unwrap(),
        account: "1066".into(),
        waba: Some(OTHER.into()),
        ..first
    };
    desk.store.put_sender(second).await.unwrap();
    service.directory.reload().await.unwrap();
    let there: Vec<Template> = ["a", "b"].map(|name| Template { name: name.into(), ..there(&desk) }).into();
    desk.store.put_templates(desk.caller.business, OTHER.into(), there, true, desk.clock.now()).await.unwrap();
    let all = [(WABA, "a"), (WABA, "c"), (OTHER, "a"), (OTHER, "b")].map(|(waba, name)| (waba.to_owned(), name.to_owned()));
    for size in [1, 2, 3, 4, usize::MAX] {
        let (mut found, mut token) = (Vec::new(), None);
        loop {
            let page = Page { size, token: token.take() };
            let (pages, next) = service.templates_everywhere(&desk.caller, &TemplateFilter::default(), &page).await.unwrap();
            let here: Vec<_> =
                pages.iter().flat_map(|page| page.templates.iter().map(|t| (page.waba.clone(), t.name.clone()))).collect();
            assert!(here.len() <= size);
            found.extend(here);
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(found, all, "{size}");
    }
    let of_one = TemplateFilter { waba: Some(OTHER.into()), ..TemplateFilter::default() };
    let page = || Page { size: 10, token: None };
    let (pages, _) = service.templates_everywhere(&desk.caller, &of_one, &page()).await.unwrap();
    assert_eq!(pages.iter().map(|page| page.templates.len()).collect::<Vec<_>>(), [2]);
    let bad = Page { size: 10, token: Some("x".into()) };
    assert!(service.templates_everywhere(&desk.caller, &TemplateFilter::default(), &bad).await.is_err());
}

fn there(desk: &Desk) -> Template {
    let world = desk.meta.0.lock().unwrap();
    transom_meta::templates::parse(&world.templates[&("a".to_owned(), "en_US".to_owned())]).unwrap()
}

#[tokio::test]
async fn a_stopped_sender_does_not_speak_where_another_one_goes() {
    let desk = Desk::new().await;
    let service = desk.house.service();
    let first = service.directory.now().of(desk.caller.business)[0].sender.clone();
    let second = Sender { id: SenderId(6), address: "+493012345679".parse().unwrap(), account: "1066".into(), ..first.clone() };
    desk.store.put_sender(second).await.unwrap();
    service.directory.reload().await.unwrap();
    let speaks = || service.directory.now().accounts().iter().map(|speaker| speaker.sender.id).collect::<Vec<_>>();
    assert_eq!(speaks(), [first.id]);
    let failure = transom_domain::status::Failure { code: ErrorCode::Unspecified, message: "no token".into(), upstream: None };
    desk.store.set_sender_state(first.business, first.id, Some(failure), desk.clock.now()).await.unwrap();
    service.directory.reload().await.unwrap();
    assert_eq!(speaks(), [SenderId(6)]);
}
