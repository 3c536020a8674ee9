//! Submitting content for approval, and following it: what Meta says of it is the template's status.

use transom_domain::content::{Body, Content, ContentType};
use transom_domain::error_code::ErrorCode;
use transom_domain::id::ContentId;
use transom_domain::lint::{self, Finding, Rule};
use transom_domain::submission::{Stage, Submission};
use transom_domain::template::{Approval, Category, Definition};
use transom_domain::translate::{said_by, to_definition};
use transom_meta::flow_json;
use transom_store::{Followed, PAGE_MAX, StoredContent, Submit};

use super::command::Caller;
use super::contents::{missing, submitted};
use super::{NewTemplate, Service, TemplateChange};
use crate::native;
use crate::problem::Problem;
use crate::templates::Shelf;

/// Seconds after which a submission whose answer was lost can be made again.
const AGAIN: u32 = 120;

/// A request for approval.
#[derive(Debug, Clone)]
pub struct AskForApproval {
    /// Name of the template.
    pub name: String,
    /// Category asked for.
    pub category: Category,
    /// Whether Meta may file it under another one.
    pub allow_category_change: bool,
    /// The WhatsApp Business Account; may be left out while there is only one.
    pub waba: Option<String>,
    /// Seconds for which Meta tries to deliver a message made from it; none for Meta's own.
    pub ttl_seconds: Option<i64>,
}

/// A submission that Meta has taken.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The submission and its template.
    pub followed: Followed,
    /// What the linter warns of.
    pub warnings: Vec<Finding>,
}

impl Service {
    /// Submits content: lints it, keeps the submission, creates the template at Meta. Under the name of its own template that
    /// Meta rejected it edits that one.
    ///
    /// # Errors
    /// Every refusal leaves things as they were: no content, findings of the linter, a submission that is not over, Meta's no. When
    /// Meta's answer is lost the submission stays, and is settled by the next reading of templates or by submitting again.
    pub async fn submit_content(&self, caller: &Caller, id: ContentId, ask: AskForApproval) -> Result<Submitted, Problem> {
        // In a task of its own: a caller who goes away must not leave a submission without its answer.
        let (this, caller) = (self.clone(), *caller);
        let done = self.tasks.run(async move { this.try_submit(&caller, id, ask).await }).await;
        done.unwrap_or_else(|| Err(Problem::new(ErrorCode::Unspecified, "An unexpected failure on our side.")))
    }

    async fn try_submit(&self, caller: &Caller, id: ContentId, ask: AskForApproval) -> Result<Submitted, Problem> {
        let StoredContent { content, .. } = self.content(caller, id).await?;
        let waba = self.waba_of(caller, ask.waba.as_deref())?;
        let warnings = linted(&content, &ask)?;
        let now = self.now();
        // Refused before anything is fetched; the store decides below, in one step with keeping the submission.
        let known = self.approvals(caller, id).await?;
        if let Some(live) = known.iter().find(|followed| followed.stands_before(&waba, &ask.name, now)) {
            return Err(live_already(live));
        }
        let (kind, definition) = self.definition(&content).await?;
        let submission = Submission {
            content: id,
            waba: waba.clone(),
            name: ask.name.clone(),
            language: content.language.clone(),
            category: ask.category,
            kind,
            allow_category_change: ask.allow_category_change,
            submitted_at: now,
            template: None,
        };
        self.begin_submission(caller, submission, content.clone()).await?;
        // Meta keeps what it rejected under its name: corrected content goes there as an edit, since none can be created.
        let is_rejected = |f: &&Followed| {
            f.submission.waba == waba && f.submission.name == ask.name && f.stage == Stage::AtMeta(Approval::Rejected)
        };
        let rejected = known.iter().filter(is_rejected).find_map(|followed| followed.template.as_ref());
        let made = match rejected {
            Some(rejected) => {
                let change = TemplateChange {
                    category: (ask.category != rejected.category).then_some(ask.category),
                    definition: Some(definition),
                    ttl_seconds: ask.ttl_seconds,
                };
                self.edit_template(caller, Some(waba.clone()), ask.name.clone(), content.language.clone(), change).await
            }
            None => {
                let new = NewTemplate {
                    waba: Some(waba.clone()),
                    name: ask.name.clone(),
                    language: content.language.clone(),
                    category: ask.category,
                    definition,
                    ttl_seconds: ask.ttl_seconds,
                };
                self.create_template(caller, new).await
            }
        };
        let template = match made {
            Ok(made) => Some(made.template.id),
            // Whether Meta has it is not known: the submission stays, and is its template's once that is found.
            Err(problem) if problem.code == ErrorCode::OutcomeUnknown => {
                let remedy =
                    "Submit it again under the same name: what became of it is found out first, and nothing is made twice.";
                return Err(problem.remedy(remedy).retry_after(AGAIN));
            }
            Err(problem) => {
                self.store.submitted(caller.business, id, waba, ask.name, None).await?;
                return Err(problem);
            }
        };
        self.store.submitted(caller.business, id, waba.clone(), ask.name.clone(), template).await?;
        let followed = self.approvals(caller, id).await?;
        let own = followed.into_iter().rfind(|f| f.submission.waba == waba && f.submission.name == ask.name);
        own.map(|followed| Submitted { followed, warnings }).ok_or_else(missing)
    }

    /// Keeps a submission, if nothing stands in its way.
    async fn begin_submission(&self, caller: &Caller, submission: Submission, content: Content) -> Result<(), Problem> {
        match self.store.submit(caller.business, submission, content).await? {
            Submit::Begun => Ok(()),
            Submit::NotFound => Err(missing()),
            Submit::Changed => {
                let why = "The content was changed while it was being submitted.";
                Err(Problem::new(ErrorCode::ContentInUse, why).remedy("Submit it again."))
            }
            Submit::Live(live) => Err(live_already(&live)),
            Submit::NameTaken(other) => {
                let rule = format!("is the name under which other content was submitted in this language: {other}");
                Err(Problem::field("name", rule, "choose another name"))
            }
        }
    }

    /// Follows a template that Meta has already as what came of this content: nothing is created. It must say what the content says.
    ///
    /// # Errors
    /// 404 when there is no such content, or Meta has no template of this name in its language; 409 when the template says
    /// something else, and `details.differs` names the parts, or when the content has a submission that is not over.
    pub async fn follow_template(
        &self,
        caller: &Caller,
        id: ContentId,
        name: &str,
        waba: Option<&str>,
    ) -> Result<Followed, Problem> {
        let StoredContent { content, .. } = self.content(caller, id).await?;
        let waba = self.waba_of(caller, waba)?;
        let language = content.language.clone();
        let on = |shelf: &Shelf| shelf.named(name).find(|template| template.language == language).cloned();
        let mut known = on(&*self.library.shelf(caller.business, &waba).await?);
        let directory = self.directory.now();
        let speaker =
            directory.accounts_of(caller.business).into_iter().find(|s| s.sender.waba.as_deref() == Some(waba.as_str()));
        if let (None, Some(speaker)) = (&known, speaker)
            && self.library.after_a_miss(speaker).await
        {
            known = on(&*self.library.shelf(caller.business, &waba).await?);
        }
        let template = known.ok_or_else(|| {
            Problem::new(ErrorCode::TemplateNotFound, format!("Meta has no template {name} in {language} in the account {waba}."))
        })?;
        let kind = said_by(&content, &template.definition).map_err(|differs| {
            let message = format!(
                "The template {name} ({language}) at Meta says something else than this content: its {}.",
                differs.join(", ")
            );
            let remedy = "Make content that says what the template says, or submit this one under a name of its own.";
            Problem::new(ErrorCode::TemplateConflict, message).remedy(remedy).detail("differs", differs)
        })?;
        let submission = Submission {
            content: id,
            waba: waba.clone(),
            name: name.to_owned(),
            language,
            category: template.category,
            kind,
            allow_category_change: true,
            submitted_at: self.now(),
            template: Some(template.id.clone()),
        };
        self.begin_submission(caller, submission, content).await?;
        let followed = self.approvals(caller, id).await?;
        followed.into_iter().rfind(|f| f.submission.waba == waba && f.submission.name == name).ok_or_else(missing)
    }

    /// The richest of the content's types that a template can hold, as a template.
    async fn definition(&self, content: &Content) -> Result<(ContentType, Definition), Problem> {
        let never = || Problem::new(ErrorCode::ContentNeverSubmittable, "None of the content's types can become a template.");
        let (kind, body) = lint::submittable(content).ok_or_else(never)?;
        let mut definition = to_definition(body, &content.variables).ok_or_else(never)?.numbered();
        let pictures = match body {
            Body::Flows(flows) => self.pictures(&flow_json::picture_links(flows)).await?,
            _ => flow_json::Pictures::default(),
        };
        flow_json::fill(&mut definition, body, &content.variables, &pictures).map_err(|found| Problem::fields(&found))?;
        Ok((kind, definition))
    }

    /// The submissions of a content, oldest first.
    ///
    /// # Errors
    /// 404 when this business has no such content.
    pub async fn approvals(&self, caller: &Caller, id: ContentId) -> Result<Vec<Followed>, Problem> {
        self.store.submissions(caller.business, id).await?.ok_or_else(missing)
    }

    /// The submissions of several contents, in their order; nothing of one that is gone.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn approvals_of(&self, caller: &Caller, ids: Vec<ContentId>) -> Result<Vec<Vec<Followed>>, Problem> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(PAGE_MAX) {
            let known = self.store.submissions_of(caller.business, some.to_vec()).await?;
            found.extend(known.into_iter().map(Option::unwrap_or_default));
        }
        Ok(found)
    }

    /// Deletes content, and before that the templates that came of it: at Meta, in its language.
    ///
    /// # Errors
    /// 404; 409 while it waits for Meta's word or a message waits that was sent from it; what Meta refuses. What was deleted at Meta
    /// until then stays so, and asking again goes on with the rest.
    pub async fn delete_content_and_templates(&self, caller: &Caller, id: ContentId) -> Result<(), Problem> {
        for Followed { submission, stage, template } in self.approvals(caller, id).await? {
            let is_there = template.is_some() && !matches!(stage, Stage::AtMeta(Approval::PendingDeletion | Approval::Deleted));
            if is_there {
                let Submission { waba, name, language, .. } = submission;
                self.delete_template(caller, Some(waba), name, Some(language)).await?;
            }
        }
        self.delete_content(caller, id).await
    }
}

fn live_already(live: &Followed) -> Problem {
    let remedy = "Follow that submission; once it is over the content can be submitted again.";
    submitted(live, "is not submitted twice", remedy)
}

/// What the linter says of a submission.
///
/// # Errors
/// When there are errors among the findings: `details.findings` has all of them.
fn linted(content: &Content, ask: &AskForApproval) -> Result<Vec<Finding>, Problem> {
    let findings = lint::content(content, Some(lint::Submission { name: &ask.name, category: ask.category }));
    let Some(first) = findings.iter().find(|f| f.is_error()) else { return Ok(findings) };
    let code = match first.rule {
        Rule::NeverSubmittable => ErrorCode::ContentNeverSubmittable,
        _ => ErrorCode::TemplateInvalid,
    };
    let problem = Problem::new(code, format!("{}: {}", first.field, first.message)).remedy(first.fix.clone());
    Err(problem.detail("findings", native::findings_json(&findings)))
}

/// Bytes that pass for a picture where only its place in a form is looked at.
const ANY_PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Forms go as approved templates only: what cannot be written in Meta's language for forms can never be sent.
///
/// # Errors
/// Each finding, by its place in the content.
pub(super) fn has_writable_form(content: &Content) -> Result<(), Problem> {
    let Some(body @ Body::Flows(flows)) = content.types.get(&ContentType::Flows) else { return Ok(()) };
    let pictures = flow_json::picture_links(flows).into_iter().map(|link| (link, ANY_PICTURE.to_vec())).collect();
    flow_json::fill(&mut Definition::default(), body, &content.variables, &pictures).map_err(|found| Problem::fields(&found))
}
