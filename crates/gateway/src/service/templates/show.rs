//! Reading what is known of templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use transom_domain::content::Language;
use transom_domain::message::TemplateName;
use transom_domain::template::{Approval, BodyDefinition, Category, HistoryEntry, Quality, Template};
use transom_store::{Page, PutTwin, TemplateIntent, TemplateKey};

use super::{Account, Service, unknown_template};
use crate::problem::Problem;
use crate::service::command::Caller;

/// What a list of templates is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateFilter {
    /// The account, where the business has several.
    pub waba: Option<String>,
    /// This name.
    pub name: Option<String>,
    /// This language.
    pub language: Option<Language>,
    /// This status; without one all but the deleted.
    pub status: Option<Approval>,
    /// This category.
    pub category: Option<Category>,
    /// This rating.
    pub quality: Option<Quality>,
    /// A part of the name or of the text, in any case.
    pub search: Option<String>,
}

/// A page of templates.
pub struct TemplatePage {
    /// The account.
    pub waba: String,
    /// By name and language.
    pub templates: Vec<Arc<Template>>,
    /// Calls without an outcome, by name and language.
    pub under_way: BTreeMap<(String, Language), TemplateIntent>,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Service {
    /// Templates of an account, by name and language.
    ///
    /// # Errors
    /// An account that is none, a token that no page has given.
    pub async fn templates(&self, caller: &Caller, filter: &TemplateFilter, page: &Page) -> Result<TemplatePage, Problem> {
        let account = self.account(caller, filter.waba.as_deref())?;
        let shelf = self.library.shelf(caller.business, &account.waba).await?;
        let after = page.token.as_deref().map(read_token).transpose()?;
        let search = filter.search.as_deref().map(str::to_lowercase);
        let place = |template: &Template| (template.name.clone(), template.language.as_str().to_owned());
        let mut found: Vec<Arc<Template>> = shelf
            .all()
            .iter()
            .filter(|template| fits(template, filter, search.as_deref()))
            .filter(|template| after.as_ref().is_none_or(|after| place(template) > *after))
            .cloned()
            .collect();
        found.sort_by_cached_key(|template| place(template));
        let more = found.len() > page.size;
        found.truncate(page.size);
        let next = found.last().filter(|_| more).map(|last| format!("{}/{}", last.name, last.language));
        let under_way = self.calls_under_way(caller, &account).await?;
        Ok(TemplatePage { waba: account.waba, templates: found, under_way, next })
    }

    /// Templates of all the accounts of a business, account by account, or of the one that the filter names. Gives where the next
    /// page begins, beside the pages of the accounts.
    ///
    /// # Errors
    /// As [`Service::templates`].
    pub async fn templates_everywhere(
        &self,
        caller: &Caller,
        filter: &TemplateFilter,
        page: &Page,
    ) -> Result<(Vec<TemplatePage>, Option<String>), Problem> {
        let wabas = match &filter.waba {
            None => self.wabas(caller),
            Some(waba) => vec![waba.clone()],
        };
        let Some(first) = wabas.first() else { return Err(self.account(caller, None).err().unwrap_or_else(no_page)) };
        let (from, mut inner) = match &page.token {
            None => (first.as_str(), None),
            Some(token) => token.split_once('/').map(|(waba, inner)| (waba, Some(inner.to_owned()))).ok_or_else(no_page)?,
        };
        let begin = wabas.iter().position(|waba| waba == from).ok_or_else(no_page)?;
        let (mut pages, mut room) = (Vec::new(), page.size);
        for waba in wabas.iter().skip(begin) {
            if room == 0 {
                return Ok((pages, Some(format!("{waba}/"))));
            }
            let filter = TemplateFilter { waba: Some(waba.clone()), ..filter.clone() };
            let page = Page { size: room, token: inner.take().filter(|token| !token.is_empty()) };
            let mut found = self.templates(caller, &filter, &page).await?;
            let next = found.next.take();
            room = room.saturating_sub(found.templates.len());
            pages.push(found);
            if let Some(next) = next {
                return Ok((pages, Some(format!("{waba}/{next}"))));
            }
        }
        Ok((pages, None))
    }

    /// All languages of a name, or the one.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn template(
        &self,
        caller: &Caller,
        waba: Option<String>,
        name: &str,
        language: Option<Language>,
    ) -> Result<TemplatePage, Problem> {
        let unknown = unknown_template(name, language.as_ref());
        let filter = TemplateFilter { waba, name: Some(name.to_owned()), language, ..TemplateFilter::default() };
        // Meta has fewer languages than this.
        let page = Page { size: transom_store::PAGE_MAX, token: None };
        let found = self.templates(caller, &filter, &page).await?;
        if found.templates.is_empty() { Err(unknown) } else { Ok(found) }
    }

    /// What happened to a template, newest first.
    ///
    /// # Errors
    /// 404 when nothing was ever heard of it.
    pub async fn template_history(
        &self,
        caller: &Caller,
        waba: Option<&str>,
        name: &str,
        language: Language,
        page: Page,
    ) -> Result<(Vec<HistoryEntry>, Option<String>), Problem> {
        let account = self.account(caller, waba)?;
        let is_first = page.token.is_none();
        let key = self.template_key(caller, &account, name, &language);
        let (lines, next) = self.store.template_history(key, page).await?;
        if lines.is_empty() && is_first {
            let shelf = self.library.shelf(caller.business, &account.waba).await?;
            if !shelf.all().iter().any(|t| t.name == name && t.language == language) {
                return Err(unknown_template(name, Some(&language)));
            }
        }
        Ok((lines, next))
    }

    /// Names the template that steps in while this one cannot be sent; none takes it back.
    ///
    /// # Errors
    /// 404 when there is no such template; 400 when the twin is none.
    pub async fn set_twin(
        &self,
        caller: &Caller,
        waba: Option<&str>,
        name: &str,
        language: &Language,
        twin: Option<TemplateName>,
    ) -> Result<(), Problem> {
        let account = self.account(caller, waba)?;
        let key = self.template_key(caller, &account, name, language);
        match self.store.put_twin(key, twin, caller.by(), self.now()).await? {
            PutTwin::Stored => {
                self.library.reshelve(caller.business, &account.waba).await?;
                self.relay.poke(caller.business);
                Ok(())
            }
            PutTwin::Missing => Err(unknown_template(name, Some(language))),
            PutTwin::NoTwin => Err(Problem::field(
                "twin",
                "must be another template of the same account",
                "name one that exists, with its language",
            )),
        }
    }

    pub(super) fn template_key(&self, caller: &Caller, account: &Account, name: &str, language: &Language) -> TemplateKey {
        TemplateKey { business: caller.business, waba: account.waba.clone(), name: name.to_owned(), language: language.clone() }
    }

    async fn calls_under_way(
        &self,
        caller: &Caller,
        account: &Account,
    ) -> Result<BTreeMap<(String, Language), TemplateIntent>, Problem> {
        let intents = self.store.template_intents(caller.business, account.waba.clone()).await?;
        Ok(intents.into_iter().map(|intent| ((intent.key.name.clone(), intent.key.language.clone()), intent)).collect())
    }
}

fn read_token(token: &str) -> Result<(String, String), Problem> {
    let (name, language) = token.split_once('/').ok_or_else(no_page)?;
    Ok((name.to_owned(), language.to_owned()))
}

fn no_page() -> Problem {
    Problem::field("pageToken", "is none that a page has given", "pass on `nextPageToken` as it was given")
}

fn fits(template: &Template, filter: &TemplateFilter, search: Option<&str>) -> bool {
    let text = || match &template.definition.body {
        BodyDefinition::Own(text) => text.text.to_lowercase(),
        BodyDefinition::Authentication { .. } => String::new(),
    };
    filter.name.as_ref().is_none_or(|name| template.name == *name)
        && filter.language.as_ref().is_none_or(|language| template.language == *language)
        && filter.status.map_or(template.approval != Approval::Deleted, |status| template.approval == status)
        && filter.category.is_none_or(|category| template.category == category)
        && filter.quality.is_none_or(|quality| template.life.quality.unwrap_or(Quality::Unknown) == quality)
        && search.is_none_or(|part| template.name.contains(part) || text().contains(part))
}
