//! Creating, editing and deleting templates at Meta: linted and counted first, committed before the call leaves, settled after.

use ::http::Method;
use serde_json::{Value, json};

use transom_domain::content::Language;
use transom_domain::error_code::ErrorCode;
use transom_domain::failure::Class;
use transom_domain::lint::{self, Finding};
use transom_domain::template::{Approval, Template};
use transom_domain::template_rules::{Refusal, Rule};
use transom_domain::time::Timestamp;
use transom_store::{Begun, TemplateAction, TemplateIntent, TemplateKey, TemplateOutcome};

use super::settle::{Held, became, is_same_call, shown_by};
use super::{Account, MadeTemplate, NewTemplate, Outlook, Service, TemplateChange, unknown_template};
use crate::native;
use crate::problem::Problem;
use crate::service::command::Caller;
use crate::wire::Called;

/// Meta's sub-codes for what is in the way of a creation or an edit (support/error-codes).
mod subcode {
    /// The name is being deleted.
    pub(super) const NAME_LOCKED: i64 = 2_388_023;
    /// There is one in this language.
    pub(super) const EXISTS: i64 = 2_388_024;
    /// The account has as many as it may.
    pub(super) const TOO_MANY: i64 = 2_388_019;
}

/// Why an edit stays open that Meta's list does not show.
const NOT_SHOWN: &str = "Meta's list does not show it, and may be some minutes behind";

/// What helps when Meta refused for a while: nothing here repeats the call.
const REPEAT: &str =
    "Repeat the request after the seconds that Retry-After names: nothing was done, and nothing is repeated for you.";

/// How a call ended.
enum Ended {
    Done(TemplateOutcome),
    /// Meta refused: nothing was done.
    Refused(Problem),
    /// Nobody knows.
    Lost(String),
}

impl Service {
    /// Creates a template: asks Meta to review it.
    ///
    /// A call whose answer was lost is settled by reading Meta's list, at once or when this is asked again: nothing is made twice.
    ///
    /// # Errors
    /// Findings of the linter, a quota, a lock, one that exists; what Meta refuses.
    pub async fn create_template(&self, caller: &Caller, new: NewTemplate) -> Result<MadeTemplate, Problem> {
        let (this, caller) = (self.clone(), *caller);
        self.unbroken(async move { this.create_at_meta(&caller, new).await }).await
    }

    /// Edits a template; it goes to review again, and what is approved stays in force meanwhile.
    ///
    /// # Errors
    /// As [`Service::create_template`]; a status in which it cannot be edited, the category of what is approved.
    pub async fn edit_template(
        &self,
        caller: &Caller,
        waba: Option<String>,
        name: String,
        language: Language,
        change: TemplateChange,
    ) -> Result<MadeTemplate, Problem> {
        let (this, caller) = (self.clone(), *caller);
        self.unbroken(async move { this.edit_at_meta(&caller, waba.as_deref(), &name, &language, change).await }).await
    }

    /// Deletes a template in one language, or in all of them. Gives the languages.
    ///
    /// # Errors
    /// One that cannot be deleted: nothing is deleted then. What Meta refuses.
    pub async fn delete_template(
        &self,
        caller: &Caller,
        waba: Option<String>,
        name: String,
        language: Option<Language>,
    ) -> Result<Vec<Language>, Problem> {
        let (this, caller) = (self.clone(), *caller);
        self.unbroken(async move { this.delete_at_meta(&caller, waba.as_deref(), &name, language.as_ref()).await }).await
    }

    /// What stands in the way of a template now: as a new one, or as an edit of the one that has its name and language.
    ///
    /// # Errors
    /// An account that is none.
    pub async fn template_outlook(&self, caller: &Caller, new: &NewTemplate) -> Result<Outlook, Problem> {
        let account = self.account(caller, new.waba.as_deref())?;
        let key = self.template_key(caller, &account, &new.name, &new.language);
        let shelf = self.library.shelf(caller.business, &account.waba).await?;
        let known = shelf.named(&new.name).find(|template| template.language == new.language);
        let action = match known {
            None => create_action(new),
            Some(_) => TemplateAction::Edit {
                category: Some(new.category),
                definition: Some(new.definition.clone()),
                ttl_seconds: new.ttl_seconds,
            },
        };
        let begun = self.store.may_template(self.intent(caller, key, action)).await?;
        let (refusal, under_way) = match begun {
            Begun::Begun(_) | Begun::Missing => (None, None),
            Begun::Refused(refusal, _) => (Some(refusal), None),
            Begun::UnderWay(intent) => (None, Some(*intent)),
        };
        Ok(Outlook { findings: findings(new), refusal, under_way })
    }

    async fn create_at_meta(&self, caller: &Caller, new: NewTemplate) -> Result<MadeTemplate, Problem> {
        let account = self.account(caller, new.waba.as_deref())?;
        let warnings = linted(findings(&new))?;
        let key = self.template_key(caller, &account, &new.name, &new.language);
        let _held = self.hold(&key)?;
        let wanted = create_action(&new);
        // What an earlier call for the same did is what this one was to do.
        if let Some((settled, template)) = self.settle_earlier(&account, &key).await?
            && is_same_call(&settled.action, &wanted)
            && let Some(template) = template
        {
            return Ok(MadeTemplate { template, warnings });
        }
        // Asked before anything is uploaded.
        self.allowed(caller, self.intent(caller, key.clone(), wanted.clone()), &wanted).await?;
        let definition = self.with_handles(&account, new.definition.clone()).await?;
        let action =
            TemplateAction::Create { category: new.category, definition: definition.clone(), ttl_seconds: new.ttl_seconds };
        let intent = self.intent(caller, key.clone(), action);
        self.begin(intent.clone(), &wanted).await?;
        let mut body = transom_meta::templates::to_create(&new.name, &new.language, new.category, &definition);
        put_ttl(&mut body, new.ttl_seconds);
        let path = transom_meta::graph::create_template_path(&account.waba);
        let called = self.upstream.call(Method::POST, &path, &account.speaker.token, Some(&body)).await;
        let ended = ended(called, |answer| {
            let text = |key: &str| answer.get(key).and_then(Value::as_str);
            Some(TemplateOutcome::Created {
                id: text("id")?.to_owned(),
                approval: text("status").map_or(Approval::Pending, Approval::named),
                category: text("category").and_then(transom_meta::templates::category).unwrap_or(new.category),
            })
        });
        let template = self.end(&account, &intent, ended).await?;
        Ok(MadeTemplate { template: template.ok_or_else(|| unknown_template(&new.name, Some(&new.language)))?, warnings })
    }

    async fn edit_at_meta(
        &self,
        caller: &Caller,
        waba: Option<&str>,
        name: &str,
        language: &Language,
        change: TemplateChange,
    ) -> Result<MadeTemplate, Problem> {
        let account = self.account(caller, waba)?;
        let key = self.template_key(caller, &account, name, language);
        let _held = self.hold(&key)?;
        let settled = self.settle_earlier(&account, &key).await?;
        let known = self.known(caller, &account, name, language).await?;
        let category = change.category.unwrap_or(known.category);
        let shown = change.definition.clone().unwrap_or_else(|| match &known.life.edit {
            Some(edit) => edit.definition.clone(),
            None => known.definition.clone(),
        });
        if shown.format != known.definition.format {
            return Err(Problem::field("parameterFormat", "cannot be changed by an edit", "make a template with another name"));
        }
        let ttl_seconds = change.ttl_seconds.or(known.life.ttl_seconds);
        let after = NewTemplate {
            waba: None,
            name: name.to_owned(),
            language: language.clone(),
            category,
            definition: shown.clone(),
            ttl_seconds,
        };
        let warnings = linted(findings(&after))?;
        let wanted =
            TemplateAction::Edit { category: change.category, definition: change.definition, ttl_seconds: change.ttl_seconds };
        let is_settled = settled.is_some_and(|(intent, template)| is_same_call(&intent.action, &wanted) && template.is_some());
        // One that changes nothing would cost one of Meta's few edits.
        let changes_nothing = known.approval == Approval::Approved
            && category == known.category
            && ttl_seconds == known.life.ttl_seconds
            && known.definition.is_as_asked(&shown);
        if is_settled || changes_nothing {
            return Ok(MadeTemplate { template: known, warnings });
        }
        self.allowed(caller, self.intent(caller, key.clone(), wanted.clone()), &wanted).await?;
        let TemplateAction::Edit { category, definition, ttl_seconds } = wanted.clone() else {
            return Err(Problem::new(ErrorCode::Unspecified, "An unexpected failure on our side."));
        };
        let definition = match definition {
            Some(definition) => Some(self.with_handles(&account, definition).await?),
            None => None,
        };
        let action = TemplateAction::Edit { category, definition: definition.clone(), ttl_seconds };
        let intent = self.intent(caller, key, action);
        self.begin(intent.clone(), &wanted).await?;
        let mut body = json!({});
        if let (Some(definition), Some(map)) = (&definition, body.as_object_mut()) {
            let mut printed = transom_meta::templates::to_create(name, language, after.category, definition);
            map.insert("components".to_owned(), printed.get_mut("components").map(Value::take).unwrap_or_default());
        }
        if let (Some(category), Some(map)) = (category, body.as_object_mut()) {
            map.insert("category".to_owned(), category.as_str().into());
        }
        put_ttl(&mut body, ttl_seconds);
        let path = transom_meta::graph::edit_template_path(&known.id);
        let called = self.upstream.call(Method::POST, &path, &account.speaker.token, Some(&body)).await;
        let template = self.end(&account, &intent, ended(called, |_| Some(TemplateOutcome::Edited))).await?;
        Ok(MadeTemplate { template: template.unwrap_or(known), warnings })
    }

    async fn delete_at_meta(
        &self,
        caller: &Caller,
        waba: Option<&str>,
        name: &str,
        language: Option<&Language>,
    ) -> Result<Vec<Language>, Problem> {
        let account = self.account(caller, waba)?;
        let mut doomed = self.doomed(caller, &account, name, language).await?;
        if doomed.is_empty() {
            self.read_again(&account).await;
            doomed = self.doomed(caller, &account, name, language).await?;
        }
        if doomed.is_empty() {
            // A call before this one may have done it.
            let key = language.map(|language| self.template_key(caller, &account, name, language));
            return match key {
                Some(key) if self.was_deleted_here(&account, &key).await? => Ok(vec![key.language]),
                _ => Err(unknown_template(name, language)),
            };
        }
        let mut held: Vec<(Held, TemplateIntent, Template)> = Vec::new();
        for template in doomed {
            let key = self.template_key(caller, &account, name, &template.language);
            let hold = self.hold(&key)?;
            self.settle_earlier(&account, &key).await?;
            held.push((hold, self.intent(caller, key, TemplateAction::Delete), template));
        }
        // All or none, as far as it can be known.
        for (_, intent, _) in &held {
            match self.allowed(caller, intent.clone(), &TemplateAction::Delete).await {
                Err(problem) if problem.code == ErrorCode::TemplateNotFound => {}
                other => other?,
            }
        }
        let mut deleted = Vec::new();
        for (_, intent, template) in &held {
            match self.begin(intent.clone(), &TemplateAction::Delete).await {
                // An earlier call has done it.
                Err(problem) if problem.code == ErrorCode::TemplateNotFound => {
                    deleted.push(template.language.clone());
                    continue;
                }
                other => other?,
            };
            let path = transom_meta::graph::delete_template_path(&account.waba, name, Some(&template.id));
            let called = self.upstream.call(Method::DELETE, &path, &account.speaker.token, None).await;
            self.end(&account, intent, ended(called, |_| Some(TemplateOutcome::Deleted))).await?;
            deleted.push(template.language.clone());
        }
        Ok(deleted)
    }

    async fn doomed(
        &self,
        caller: &Caller,
        account: &Account,
        name: &str,
        language: Option<&Language>,
    ) -> Result<Vec<Template>, Problem> {
        let shelf = self.library.shelf(caller.business, &account.waba).await?;
        let chosen = shelf.named(name).filter(|template| language.is_none_or(|language| template.language == *language));
        Ok(chosen.map(|template| Template::clone(template)).collect())
    }

    /// Whether the call that was to delete it had no outcome until now, and has done it.
    async fn was_deleted_here(&self, account: &Account, key: &TemplateKey) -> Result<bool, Problem> {
        let _held = self.hold(key)?;
        let settled = self.settle_earlier(account, key).await?;
        let deleted = |template: Option<Template>| template.is_some_and(|t| t.approval == Approval::Deleted);
        Ok(settled.is_some_and(|(intent, template)| intent.action == TemplateAction::Delete && deleted(template)))
    }

    fn intent(&self, caller: &Caller, key: TemplateKey, action: TemplateAction) -> TemplateIntent {
        TemplateIntent { key, action, by: caller.by(), at: self.now() }
    }

    fn hold(&self, key: &TemplateKey) -> Result<Held, Problem> {
        self.library.under_way().hold(key).ok_or_else(|| {
            let message = format!("Another call for {} ({}) is under way.", key.name, key.language);
            Problem::new(ErrorCode::TemplateConflict, message).remedy("Wait until it has ended.").retry_after(1)
        })
    }

    /// The template as it stands; read from Meta first where nobody here knows it.
    async fn known(&self, caller: &Caller, account: &Account, name: &str, language: &Language) -> Result<Template, Problem> {
        let find = async || -> Result<Option<Template>, Problem> {
            let shelf = self.library.shelf(caller.business, &account.waba).await?;
            Ok(shelf.named(name).find(|t| t.language == *language).map(|t| Template::clone(t)))
        };
        if let Some(known) = find().await? {
            return Ok(known);
        }
        self.read_again(account).await;
        find().await?.ok_or_else(|| unknown_template(name, Some(language)))
    }

    /// Reads the account anew after a miss, unless that was done a moment ago.
    async fn read_again(&self, account: &Account) {
        if self.library.after_a_miss(&account.speaker).await {
            self.relay.poke(account.speaker.sender.business);
        }
    }

    /// Settles what an earlier call for this template left open, by what Meta's list says. Gives the call and what then stands;
    /// none when there was no such call, or it had done nothing.
    async fn settle_earlier(
        &self,
        account: &Account,
        key: &TemplateKey,
    ) -> Result<Option<(TemplateIntent, Option<Template>)>, Problem> {
        let open = self.store.template_intents(key.business, key.waba.clone()).await?;
        let Some(intent) = open.into_iter().find(|intent| intent.key == *key) else { return Ok(None) };
        let read_at = self.now();
        let list = self.library.at_meta(&account.speaker, &key.name).await.map_err(|why| unsettled(&intent, &why))?;
        let outcome = became(&intent, &list, read_at).ok_or_else(|| not_shown(&intent, NOT_SHOWN, read_at))?;
        let was_done = outcome != TemplateOutcome::NotDone;
        let template = self.settled(account, &intent, outcome).await?;
        Ok(was_done.then_some((intent, template)))
    }

    /// Records what became of a call. A record that cannot be written leaves the call open: nobody here knows its outcome then,
    /// whatever Meta has said.
    async fn settled(
        &self,
        account: &Account,
        intent: &TemplateIntent,
        outcome: TemplateOutcome,
    ) -> Result<Option<Template>, Problem> {
        let ended = self.store.end_template(intent.key.clone(), outcome, self.now()).await;
        let template = ended.map_err(|why| {
            tracing::warn!(template = %intent.key.name, error = %why, "the outcome of a call could not be stored");
            unsettled(intent, "Meta's answer could not be stored")
        })?;
        if let Err(why) = self.library.reshelve(intent.key.business, &account.waba).await {
            tracing::warn!(waba = %account.waba, error = %why, "templates could not be read from the store");
        }
        self.relay.poke(intent.key.business);
        Ok(template)
    }

    /// Whether quotas and locks let it be done.
    async fn allowed(&self, caller: &Caller, intent: TemplateIntent, action: &TemplateAction) -> Result<(), Problem> {
        debug_assert_eq!(caller.business, intent.key.business);
        let key = intent.key.clone();
        let begun = self.store.may_template(intent).await?;
        self.catch_up(&begun, &key).await;
        refused(begun, &key, action)
    }

    /// Commits that it is going to be done.
    async fn begin(&self, intent: TemplateIntent, action: &TemplateAction) -> Result<(), Problem> {
        let key = intent.key.clone();
        let begun = self.store.begin_template(intent).await?;
        self.catch_up(&begun, &key).await;
        refused(begun, &key, action)
    }

    /// A refusal may rest on what the shelf does not show yet, such as a call that was settled a moment ago while Meta's list is
    /// still being stored: whoever is refused must find the reason when he looks.
    async fn catch_up(&self, begun: &Begun, key: &TemplateKey) {
        if let Begun::Refused(..) = begun
            && let Err(why) = self.library.reshelve(key.business, &key.waba).await
        {
            tracing::warn!(waba = %key.waba, error = %why, "templates could not be read from the store");
        }
    }

    /// Records how a call ended. A lost answer is looked for in Meta's list; what is not found there stays open.
    async fn end(&self, account: &Account, intent: &TemplateIntent, ended: Ended) -> Result<Option<Template>, Problem> {
        match ended {
            Ended::Done(outcome) => {
                let template = self.settled(account, intent, outcome).await?;
                if matches!(intent.action, TemplateAction::Edit { .. }) {
                    return Ok(self.as_meta_has_it(account, intent, template).await);
                }
                Ok(template)
            }
            Ended::Refused(problem) => {
                self.settled(account, intent, TemplateOutcome::NotDone).await?;
                let exists = problem.details.get("metaSubcode").and_then(Value::as_i64) == Some(subcode::EXISTS);
                if exists {
                    self.read_again(account).await;
                }
                Err(problem)
            }
            Ended::Lost(why) => {
                let read_at = self.now();
                let list = self.library.at_meta(&account.speaker, &intent.key.name).await;
                match list.map(|list| became(intent, &list, read_at)) {
                    Ok(None) => Err(not_shown(intent, &why, read_at)),
                    Ok(Some(TemplateOutcome::NotDone)) | Err(_) => Err(unsettled(intent, &why)),
                    Ok(Some(outcome)) => self.settled(account, intent, outcome).await,
                }
            }
        }
    }

    /// After an edit: its review may have ended before the answer came, and the webhook with it.
    async fn as_meta_has_it(&self, account: &Account, intent: &TemplateIntent, template: Option<Template>) -> Option<Template> {
        let key = &intent.key;
        let read_at = self.now();
        let read = async || -> Result<Option<Template>, String> {
            let list = self.library.at_meta(&account.speaker, &key.name).await?;
            let same: Vec<Template> = list.into_iter().filter(|t| t.language == key.language).collect();
            let put = self.store.put_templates(key.business, key.waba.clone(), same, false, read_at).await;
            put.map_err(|why| why.to_string())?;
            let shelf = self.library.reshelve(key.business, &account.waba).await.map_err(|why| why.to_string())?;
            Ok(shelf.named(&key.name).find(|t| t.language == key.language).map(|t| Template::clone(t)))
        };
        // The edit is made and recorded: what cannot be looked up now comes with the next reading.
        match read().await {
            Ok(found) => found.or(template),
            Err(why) => {
                tracing::info!(template = %key.name, error = %why, "an edited template could not be looked up");
                template
            }
        }
    }
}

fn create_action(new: &NewTemplate) -> TemplateAction {
    TemplateAction::Create { category: new.category, definition: new.definition.clone(), ttl_seconds: new.ttl_seconds }
}

fn put_ttl(body: &mut Value, ttl_seconds: Option<i64>) {
    if let (Some(seconds), Some(map)) = (ttl_seconds, body.as_object_mut()) {
        map.insert("message_send_ttl_seconds".to_owned(), seconds.into());
    }
}

fn findings(new: &NewTemplate) -> Vec<Finding> {
    lint::template(&lint::Draft {
        name: &new.name,
        language: &new.language,
        category: new.category,
        definition: &new.definition,
        ttl_seconds: new.ttl_seconds,
    })
}

/// The warnings, unless there are errors.
fn linted(found: Vec<Finding>) -> Result<Vec<Finding>, Problem> {
    let errors = found.iter().filter(|finding| finding.is_error()).count();
    let Some(first) = found.iter().find(|finding| finding.is_error()) else { return Ok(found) };
    let message = match errors {
        1 => format!("{}: {}", first.field, first.message),
        more => format!("{}: {} (and {} more)", first.field, first.message, more - 1),
    };
    Err(Problem::new(ErrorCode::TemplateInvalid, message)
        .remedy(first.fix.clone())
        .detail("findings", native::findings_json(&found)))
}

fn refused(begun: Begun, key: &TemplateKey, action: &TemplateAction) -> Result<(), Problem> {
    match begun {
        Begun::Begun(_) => Ok(()),
        Begun::Missing => Err(unknown_template(&key.name, Some(&key.language))),
        Begun::UnderWay(intent) => Err(unsettled(&intent, "its answer was lost")),
        Begun::Refused(refusal, template) => Err(in_the_way(refusal, template.as_deref(), action)),
    }
}

/// One of Meta's rules stands in the way.
fn in_the_way(refusal: Refusal, template: Option<&Template>, action: &TemplateAction) -> Problem {
    let code = match refusal.rule {
        Rule::NameLock => ErrorCode::MessageTemplateDeleted,
        rule if rule.passes() => ErrorCode::TemplateQuota,
        _ => ErrorCode::TemplateConflict,
    };
    let mut problem = Problem::new(code, refusal.why).remedy(refusal.remedy).detail("rule", refusal.rule.as_str());
    if let Some(until) = refusal.not_before {
        problem = problem.detail("notBefore", native::moment_json(until));
    }
    if let Some(template) = template {
        problem = problem.detail("template", native::template_json(template, None, ""));
        if let TemplateAction::Create { category, definition, .. } = action {
            let same = template.category == *category && template.definition.is_same(definition);
            problem = problem.detail("same", same);
        }
    }
    problem
}

/// The answer to a call was lost, and Meta's list does not say yet what became of it.
fn unsettled(intent: &TemplateIntent, why: &str) -> Problem {
    Problem::new(
        ErrorCode::OutcomeUnknown,
        format!(
            "Nobody knows yet whether Meta did {} {} ({}): {why}.",
            intent.action.as_str(),
            intent.key.name,
            intent.key.language
        ),
    )
    .remedy("Send the same request again: it is settled by Meta's list first, and nothing is done twice.")
    .detail("underWay", json!({ "action": intent.action.as_str(), "since": native::moment_json(intent.at) }))
}

/// As [`unsettled`], of an edit that a list does not show which may be behind: it proves nothing until it cannot be any more.
fn not_shown(intent: &TemplateIntent, why: &str, now: Timestamp) -> Problem {
    let seconds = shown_by(intent).since(now).as_millis().div_euclid(1_000).saturating_add(1).max(1);
    unsettled(intent, why).retry_after(u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// What an answer of Meta's means for a call that changes a template.
fn ended(called: Called, done: impl FnOnce(&Value) -> Option<TemplateOutcome>) -> Ended {
    match called {
        Called::Answer { status: 200..=299, body, .. } => {
            let answer: Option<Value> = serde_json::from_slice(&body).ok();
            match answer.as_ref().and_then(done) {
                Some(outcome) => Ended::Done(outcome),
                None => Ended::Lost("the answer could not be read".to_owned()),
            }
        }
        // It may have been done all the same.
        Called::Answer { status: status @ 500.., .. } => Ended::Lost(format!("Meta answered HTTP {status}")),
        Called::Answer { status, body, .. } => Ended::Refused(by_meta(status, &body)),
        Called::NeverLeft(why) => {
            Ended::Refused(Problem::new(ErrorCode::UpstreamError, format!("Meta cannot be reached: {why}. Nothing was done.")))
        }
        Called::Lost(why) => Ended::Lost(why),
    }
}

/// A refusal of Meta's, in our words and in its own.
fn by_meta(status: u16, body: &[u8]) -> Problem {
    let error = transom_meta::send::parse_error(body);
    let classified = transom_meta::codes::classify(status, error.as_ref());
    let Some(error) = error else {
        return Problem::new(classified.native, format!("Meta answered HTTP {status} without saying why."));
    };
    let code = match error.subcode {
        Some(subcode::NAME_LOCKED) => ErrorCode::MessageTemplateDeleted,
        Some(subcode::EXISTS) => ErrorCode::TemplateConflict,
        Some(subcode::TOO_MANY) => ErrorCode::TemplateQuota,
        _ if error.code == 100 => ErrorCode::TemplateInvalid,
        _ => classified.native,
    };
    let details = error.details.as_deref().map(|details| format!(": {details}")).unwrap_or_default();
    let mut problem = Problem::new(code, format!("Meta refused it: {}{details} ({}).", error.title, error.code))
        .detail("metaCode", error.code)
        .detail("metaTitle", error.title.clone());
    if let Some(details) = &error.details {
        problem = problem.detail("metaDetails", details.clone());
    }
    if let Some(subcode) = error.subcode {
        problem = problem.detail("metaSubcode", subcode);
    }
    if code != classified.native {
        return problem;
    }
    // The remedies of the table are for messages, which are tried again here; this call is only its caller's to repeat.
    let wait = match classified.class {
        // A quota frees up bit by bit: asking at every short gap would only use it up again.
        Class::Throttle(_) => classified.curve.longest,
        Class::Upstream => classified.curve.first,
        _ => return problem.remedy(classified.remedy),
    };
    let seconds = u32::try_from(wait.as_millis().div_euclid(1_000)).unwrap_or(u32::MAX).max(1);
    problem.remedy(REPEAT).retry_after(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_at_meta_is_the_caller_s_to_repeat() {
        for (code, seconds) in [(80_007, 600), (4, 600), (1, 2)] {
            let body = json!({ "error": { "message": "no", "code": code } }).to_string();
            let problem = by_meta(400, body.as_bytes());
            assert_eq!((problem.remedy.as_deref(), problem.retry_after), (Some(REPEAT), Some(seconds)), "{code}");
        }
        let token = by_meta(401, json!({ "error": { "message": "no", "code": 190 } }).to_string().as_bytes());
        assert!(token.remedy.as_deref() != Some(REPEAT) && token.retry_after.is_none(), "{token:?}");
    }
}
