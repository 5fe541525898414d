//! Duplicates: groups of near-copies with a choice of what to keep, and the plan that comes of it.

use std::collections::HashSet;

use axum::extract::{RawQuery, State as Shared};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use url::form_urlencoded::{Serializer, parse};

use super::layout::{self, bytes, counted, percent, short};
use super::plan::{Csv, Plan, Script};
use crate::app::{Duplicate, DuplicateGroup, Error, Preference};
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::search::SearchError;
use crate::serve::problem::Problem;
use crate::serve::state::State;

/// Groups of a page.
const A_PAGE: usize = 20;

/// Which groups are shown, and what was chosen so far, as the page's URL says it.
#[derive(Debug, Clone, Default)]
struct Asked {
    preference: Preference,
    /// Groups that are not shown, since they were before.
    from: usize,
    /// Pictures to keep, whatever the preference.
    keep: HashSet<PictureId>,
}

impl Asked {
    fn of_query(query: Option<String>) -> Result<Self, Problem> {
        let mut asked = Self::default();
        for (name, value) in parse(query.unwrap_or_default().as_bytes()) {
            let wrong = || Problem::bad(format!("`{name}` cannot be `{value}`"));
            match &*name {
                "prefer" => {
                    let mut all = Preference::ALL.into_iter();
                    asked.preference = all.find(|it| it.name() == value).ok_or_else(wrong)?;
                }
                "from" => asked.from = value.parse().map_err(|_| wrong())?,
                // Each group has a name of its own for its choice; what is preferred anyway says nothing.
                name if name.starts_with("keep") && !value.is_empty() => {
                    asked.keep.insert(value.parse().map_err(|_| wrong())?);
                }
                _ => {}
            }
        }
        Ok(asked)
    }

    fn url(&self) -> String {
        let page = "/duplicates?";
        let mut query = Serializer::for_suffix(page.to_owned(), page.len());
        query.append_pair("prefer", self.preference.name());
        query.append_pair("from", &self.from.to_string());
        query.extend_pairs(self.keep.iter().map(|id| ("keep", id.to_string())));
        query.finish()
    }

    /// The place of the picture that was chosen in a group.
    fn chosen(&self, group: &DuplicateGroup) -> Option<usize> {
        let is_chosen = |id: PictureId| self.keep.contains(&id);
        group
            .members
            .iter()
            .position(|it| id(it).is_some_and(is_chosen))
    }
}

fn id(member: &Duplicate) -> Option<PictureId> {
    member.entry.id.parse().ok()
}

/// Why no more groups are looked at.
enum Ended {
    /// There are enough.
    Enough,
    Failed(Problem),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<SearchError> for Ended {
    fn from(error: SearchError) -> Self {
        Self::Failed(error.into())
    }
}

/// Groups of a page.
#[derive(Default)]
struct Listed {
    /// Each with the place of what was chosen in it.
    groups: Vec<(DuplicateGroup, Option<usize>)>,
    more: bool,
    /// What was chosen in groups of other pages.
    elsewhere: HashSet<PictureId>,
}

pub(super) async fn page(
    Shared(state): Shared<State>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Problem> {
    let asked = Asked::of_query(query)?;
    let (collection, wanted) = (state.collection.clone(), asked.clone());
    let listed = state.jobs.run(move || {
        let mut listed = Listed {
            elsewhere: wanted.keep.clone(),
            ..Listed::default()
        };
        let mut seen = 0;
        let head = collection.heads().named(None)?;
        let ended = collection.duplicate_groups(&head, wanted.preference, |group| {
            seen += 1;
            if seen > wanted.from + A_PAGE {
                listed.more = true;
                return Err(Ended::Enough);
            }
            if seen > wanted.from {
                let ids = group.members.iter().filter_map(id);
                ids.for_each(|id| _ = listed.elsewhere.remove(&id));
                let chosen = wanted.chosen(&group);
                listed.groups.push((group, chosen));
            }
            Ok(())
        });
        match ended {
            Ok(()) | Err(Ended::Enough) => Ok(listed),
            Err(Ended::Failed(problem)) => Err(problem),
        }
    });
    let listed = listed.await??;
    let main = html! {
        h1 { "Duplicates" }
        @if listed.groups.is_empty() && asked.from == 0 {
            p.lead { "No picture is there twice." }
        } @else {
            p.lead { "Near-copies, group by group. One of each is chosen to be kept; choose another where you know
                better. Then take the plan with you: simdex deletes no file." }
            (form(&asked, &listed))
        }
    };
    Ok(layout::page("/duplicates", "Duplicates", &main))
}

fn form(asked: &Asked, listed: &Listed) -> Markup {
    html! {
        form.wide method="get" action="/duplicates" data-groups {
            input type="hidden" name="back" value=(asked.url());
            @for id in &listed.elsewhere { input type="hidden" name="keep" value=(id); }
            fieldset.modes {
                legend { "Keep" }
                div {
                    @for preference in Preference::ALL {
                        label {
                            input type="radio" name="prefer" value=(preference.name()) checked[preference == asked.preference];
                            " " (wish(preference))
                        }
                    }
                    button.quiet type="submit" name="from" value=(asked.from) { "Apply" }
                }
            }
            p.muted.small { "Keys: j and k go from group to group, 1 to 9 choose what is kept, n says that the picture is no duplicate." }
            @for (place, (group, chosen)) in listed.groups.iter().enumerate() {
                (shown(asked.from + place + 1, group, *chosen))
            }
            div.row {
                @if asked.from > 0 {
                    button type="submit" name="from" value=(asked.from.saturating_sub(A_PAGE)) { "Groups before" }
                }
                @if listed.more {
                    button type="submit" name="from" value=(asked.from + A_PAGE) { "Next groups" }
                }
                button.main type="submit" formaction="/duplicates/plan.sh" { "Plan as a shell script" }
                button type="submit" formaction="/duplicates/plan.csv" { "Plan as CSV" }
            }
            p.muted.small { "The plan is of all groups, of this page and of others." }
        }
    }
}

fn wish(preference: Preference) -> &'static str {
    match preference {
        Preference::Largest => "the largest",
        Preference::BestQuality => "the best quality",
        Preference::Oldest => "the oldest",
    }
}

fn shown(number: usize, group: &DuplicateGroup, chosen: Option<usize>) -> Markup {
    let first = group.members.first().map_or("", |member| &member.entry.id);
    let first = first.get(..16).unwrap_or_default();
    html! {
        section.group aria-labelledby={ "group-" (number) } tabindex="-1" {
            h2 id={ "group-" (number) } { (counted(group.members.len(), "picture")) }
            p.muted { (reason(group, chosen)) }
            ol.members {
                @for (place, member) in group.members.iter().enumerate() {
                    li.member {
                        label {
                            img src={ "/api/v1/pictures/" (member.entry.id) "/thumbnail" } loading="lazy" width="160" height="160"
                                alt={ "Picture " (place + 1) " of group " (number) };
                            input type="radio" name={ "keep-" (first) } checked[place == chosen.unwrap_or(group.keep)]
                                value=(if place == group.keep { "" } else { &member.entry.id });
                            " keep"
                        }
                        p { (member.entry.width) " x " (member.entry.height) ", " (bytes(member.record.bytes)) }
                        p.muted.small {
                            @if place > 0 { (percent(member.entry.score)) " like the first, " }
                            (layout::place(member.entry.place(), &short(member.entry.place())))
                        }
                        @if group.members.len() > 1 {
                            button.quiet.small type="submit" formaction="/duplicates/apart" formmethod="post"
                                formenctype="multipart/form-data" name="apart" value=(apart(group, place)) { "not a duplicate" }
                        }
                        @for other in member.entry.other_places() { p.muted.small { "and " (short(other)) } }
                    }
                }
            }
        }
    }
}

/// A picture and all others of its group.
fn apart(group: &DuplicateGroup, place: usize) -> String {
    let of = group.members[place].entry.id.clone();
    let others = group.members.iter().filter(|other| other.entry.id != of);
    others.fold(of.clone(), |ids, other| ids + " " + &other.entry.id)
}

/// What speaks for the picture that is kept, with the figures.
fn reason(group: &DuplicateGroup, chosen: Option<usize>) -> String {
    if chosen.is_some_and(|chosen| chosen != group.keep) {
        return "Kept: your choice.".to_owned();
    }
    let kept = &group.members[group.keep].record;
    match group.because {
        None => "One picture in several files: one of them is kept.".to_owned(),
        Some(Preference::Largest) => {
            format!("Kept: the largest, {} x {}.", kept.width, kept.height)
        }
        Some(Preference::BestQuality) => {
            let pixels = (f64::from(kept.width) * f64::from(kept.height)).max(1.0);
            let each = kept.bytes as f64 / pixels;
            format!("Kept: the best quality, {each:.2} bytes for each pixel.")
        }
        Some(Preference::Oldest) => "Kept: the oldest here.".to_owned(),
    }
}

pub(super) async fn csv(shared: Shared<State>, query: RawQuery) -> Result<Response, Problem> {
    let kind = (
        "text/csv; charset=utf-8",
        "attachment; filename=\"duplicates.csv\"",
    );
    plan(shared, query, Csv::new(), kind).await
}

pub(super) async fn script(shared: Shared<State>, query: RawQuery) -> Result<Response, Problem> {
    let kind = (
        "text/x-shellscript",
        "attachment; filename=\"duplicates.sh\"",
    );
    plan(shared, query, Script::new(), kind).await
}

async fn plan(
    Shared(state): Shared<State>,
    RawQuery(query): RawQuery,
    mut plan: impl Plan + Send + 'static,
    (kind, name): (&'static str, &'static str),
) -> Result<Response, Problem> {
    let asked = Asked::of_query(query)?;
    let collection = state.collection.clone();
    let text = state.jobs.run(move || {
        let store = collection.store();
        let head = collection.heads().named(None)?;
        collection.duplicate_groups(&head, asked.preference, |mut group| {
            group.keep = asked.chosen(&group).unwrap_or(group.keep);
            let files = group.members.iter().map(|member| {
                let id = id(member);
                let places = id.map(|id| store.provenance(id)).transpose()?;
                Ok(places.map_or_else(Vec::new, |places| places.paths))
            });
            let files = files.collect::<Result<Vec<Vec<LocalPath>>, Problem>>()?;
            plan.add(&group, &files);
            Ok::<_, Problem>(())
        })?;
        Ok::<_, Problem>(plan.finish())
    });
    let head = [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, name)];
    Ok((head, text.await??).into_response())
}
