//! The first day: what exists before anybody did anything, made once from chance and kept for ever after.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::account::{App, Catalog, Home, Number, Product, Settings, Waba};
use super::effects::Effects;
use super::faults::Faults;
use super::message::Messages;
use super::owed::OwedWebhooks;
use super::throttle::Windows;
use super::{Counts, World};
use crate::chance::Chance;

/// The products of the first catalog.
const PRODUCTS: &[(&str, &str, &str)] = &[
    ("sku-mug", "Mug", "12.50"),
    ("sku-tea", "Green tea, 100 g", "7.90"),
    ("sku-pot", "Teapot", "39.00"),
    ("sku-tin", "Tin", "4.20"),
];

impl World {
    /// A world with nothing in it but the app.
    pub(crate) fn empty(app: App, chance: Chance) -> Self {
        Self {
            app,
            wabas: BTreeMap::new(),
            numbers: BTreeMap::new(),
            catalogs: BTreeMap::new(),
            templates: BTreeMap::new(),
            template_ids: HashMap::new(),
            leaving: BTreeSet::new(),
            flows: BTreeMap::new(),
            uploads: BTreeMap::new(),
            customers: HashMap::new(),
            by_wa_id: HashMap::new(),
            by_user_id: HashMap::new(),
            messages: Messages::default(),
            media: HashMap::new(),
            messenger: super::messenger::Messenger::default(),
            owed: OwedWebhooks::default(),
            timers: BTreeSet::new(),
            settings: Settings::default(),
            faults: Faults::default(),
            chance,
            throughput: Windows::default(),
            management: Windows::default(),
            reached: HashMap::new(),
            counts: Counts::default(),
            base_url: String::new(),
            effects: Effects::default(),
        }
    }

    /// The first start: an app, an account with a number outside the US, and a catalog.
    pub(crate) fn first(mut chance: Chance) -> Self {
        let app = App {
            id: 100_000_000_000_000 + chance.below(899_999_999_999_999),
            name: "Desk app".into(),
            secret: chance.hex(32),
            verify_token: chance.alphanumeric(24),
            access_token: format!("EAA{}", chance.alphanumeric(60)),
            business_id: 100_000_000_000_000 + chance.below(899_999_999_999_999),
            subscription: None,
            page_subscription: None,
            home: Home::default(),
        };
        let mut world = Self::empty(app, chance);
        world.keep_settings();
        let waba = world.add_waba("Desk business");
        // +49 30 23125 xxx is set aside for fiction by the German regulator.
        let digits = format!("493023125{:03}", world.chance.below(1_000));
        let number = world.add_number(waba, &digits, "Desk business");
        // Like the number that comes with a new app at Meta, the first one is ready for use.
        if let Some(number) = world.numbers.get_mut(&number) {
            number.registered = true;
        }
        world.keep_number(number);
        let catalog = world.add_catalog(
            waba,
            "Desk catalog",
            PRODUCTS
                .iter()
                .map(|(sku, name, price)| Product {
                    id: 0,
                    retailer_id: (*sku).to_owned(),
                    name: (*name).to_owned(),
                    price: (*price).to_owned(),
                    currency: "EUR".to_owned(),
                    description: String::new(),
                    image_url: format!("https://shop.example.com/{sku}.jpg"),
                })
                .collect(),
        );
        world.app.home = Home { waba, number, catalog, page: 0 };
        world.keep_app();
        world
    }

    /// One more account; the app is not yet subscribed to it.
    pub(crate) fn add_waba(&mut self, name: &str) -> u64 {
        let id = self.fresh_id();
        self.wabas.insert(id, Waba { id, name: name.to_owned(), subscribed: false, callback: None });
        self.keep_waba(id);
        id
    }

    /// One more number, verified but not registered.
    pub(crate) fn add_number(&mut self, waba: u64, digits: &str, verified_name: &str) -> u64 {
        let id = self.fresh_id();
        let number = Number {
            id,
            waba,
            digits: digits.to_owned(),
            verified_name: verified_name.to_owned(),
            registered: false,
            pin: None,
            test_number: false,
            business_app: false,
            allowed: Vec::new(),
            throughput: 80,
            tier: "TIER_UNLIMITED".into(),
            quality: "GREEN".into(),
            status: "CONNECTED".into(),
            callback: None,
            // A profile nobody has filled in still has its line of business.
            profile: serde_json::Map::from_iter([("vertical".to_owned(), "OTHER".into())]),
            registrations: Vec::new(),
        };
        self.numbers.insert(id, number);
        self.keep_number(id);
        id
    }

    /// One more catalog; products without an id get one.
    pub(crate) fn add_catalog(&mut self, waba: u64, name: &str, products: Vec<Product>) -> u64 {
        let id = self.fresh_id();
        let products = products
            .into_iter()
            .map(|product| {
                let id = self.fresh_id();
                Product { id, ..product }
            })
            .collect();
        self.catalogs.insert(id, Catalog { id, waba, name: name.to_owned(), products });
        self.keep_catalog(id);
        id
    }
}
