//! `serve`: a page to look at, an API, and answers to other commands while it runs.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use jiff::SignedDuration;

use super::Outcome;
use super::progress;
use super::session::Session;
use crate::local_path::path_text;
use crate::serve::{Hosts, Listen, SEARCH_DEADLINE, SERVE, Secrets, Server, token};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Where to listen; another address than loopback is for networks in which everybody may read along
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7878")]
    listen: SocketAddr,
    /// Another name by which the server may be called, as behind a proxy, with its port
    #[arg(long, value_name = "NAME:PORT")]
    allow_host: Vec<String>,
    /// Ask again for what is due so often, such as 6h or 30m, as `crawl --refresh` does
    #[arg(long, value_name = "TIME", value_parser = every)]
    refresh_every: Option<Duration>,
}

/// The shortest time between two refreshes.
const SHORTEST: Duration = Duration::from_secs(1);

fn every(text: &str) -> Result<Duration, String> {
    let every: Option<SignedDuration> = text.parse().ok();
    let every = every.and_then(|every| Duration::try_from(every).ok());
    let every = every.filter(|every| *every >= SHORTEST);
    every.ok_or_else(|| "it takes hours, minutes or seconds, such as 6h or 30m".to_owned())
}

/// How often it is looked whether the user has asked to stop.
const EVERY: Duration = Duration::from_millis(50);

pub(super) fn run(session: &Session, args: &ServeArgs) -> anyhow::Result<Outcome> {
    let listener = TcpListener::bind(args.listen).with_context(|| {
        format!(
            "cannot listen on {}; choose another with --listen",
            args.listen
        )
    })?;
    let address = listener.local_addr()?;
    session.start_runtime()?;
    let collection = session.alone(Session::collection)?;
    let file = session.config.data_dir()?.join("token");
    let variable = std::env::var("SIMDEX_TOKEN").ok();
    let secrets = Secrets::new(token(variable.as_deref(), &file)?);
    let login = secrets.login();
    let listen = Listen {
        listener,
        hosts: Hosts::of(address, &args.allow_host),
        secrets,
        refresh_every: args.refresh_every,
        search_deadline: SEARCH_DEADLINE,
    };
    let server = Server::start_at(&collection, SERVE, Some(listen))?;
    if !address.ip().is_loopback() {
        progress::line(
            "others can reach this address, and read what is sent: put a proxy with TLS before it",
        );
    }
    let token = match variable {
        Some(_) => "SIMDEX_TOKEN".to_owned(),
        None => format!("the token in {}", path_text(&file)),
    };
    progress::line(&format!(
        "open http://{address}/login?secret={login} (once), or send {token}"
    ));
    while !session.shutdown.requested() {
        std::thread::sleep(EVERY);
    }
    drop(server);
    Ok(Outcome::Interrupted)
}
