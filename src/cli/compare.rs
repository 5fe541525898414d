use clap::Args;

use super::input::QueryPictures;
use super::query::{ModeArg, part};
use super::session::Session;
use super::{Format, Outcome, output};
use crate::search::compare;

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// A picture file or URL
    a: String,
    /// Another one
    b: String,
    /// Head: fused, mse18, embedding or a file made by `simdex train`
    #[arg(long, value_name = "NAME|FILE")]
    head: Option<String>,
    /// What "alike" means to the fused head
    #[arg(long, value_enum, default_value_t)]
    mode: ModeArg,
    /// How to print the comparison
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: CompareArgs) -> anyhow::Result<Outcome> {
    let network = session.network()?;
    let ranking = session.ranking(args.head.as_deref(), &network)?;
    let engine = session.engine()?;
    let layout = network.layout(session.config.store.activations);
    let mut pictures = QueryPictures::new(session, &engine, &network, layout.clone())?;
    let views = pictures.load_views(&args.a, args.mode.into())?;
    let b = pictures.load(&args.b)?;
    let comparison = compare(&layout, &ranking, args.mode.into(), &views, &b);
    if args.format == Format::Json {
        output::json(&comparison)?;
    } else {
        let mut text = format!(
            "score   {:.4}\ncosine  {:.4}\n",
            comparison.score, comparison.cosine
        );
        for (layer, mse) in &comparison.layers.0 {
            text += &format!("  {layer:<18} {mse:.6}\n");
        }
        if let Some(evidence) = &comparison.evidence {
            text += "for (+) and against, in log-odds\n";
            for (name, odds) in &evidence.0 {
                text += &format!("  {name:<18} {odds:+.3}\n");
            }
        }
        if let Some(parts) = &comparison.alignment {
            text += &format!(
                "{} of the first agrees with {} of the second by {:.2}\n",
                part(&parts.query),
                part(&parts.candidate),
                parts.agreement
            );
        }
        output::write(text.as_bytes())?;
    }
    Ok(Outcome::Done)
}
