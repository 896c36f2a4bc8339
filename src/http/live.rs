//! The stream as Server-Sent Events (HTML Living Standard, section 9.2): what was missed is read in pages, what is new comes from
//! the tail that all followers share.

use std::{convert::Infallible, time::Duration};

use actix_web::{
    HttpRequest,
    body::BodyStream,
    http::header::{HeaderName, HeaderValue},
    web::Bytes,
};
use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, interval},
};

use super::{
    answer::Answer,
    audience::away,
    door::{self, Member},
    intake::parameter,
    problem::{Code, Problem},
    state::State,
    stream::{self, Filter},
};
use crate::{
    auth::scope::Scope,
    domain::cursor::Cursor,
    store::outbound::{self, Item},
    stream::{
        item,
        mask::Sight,
        tail::{Follower, News},
    },
};

/// Where a client that comes back was.
const LAST_EVENT_ID: &str = "last-event-id";

/// How often it is looked whether the key still holds and the server goes on.
const LOOK: Duration = Duration::from_millis(200);

/// After so long without an item, a comment shows that both are still there.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Sent first: how long a client waits before it comes back, in milliseconds; and behind it where the client begins.
const GREETING: &str = "retry: 2000\n";

/// Items of a page of what was missed.
const PAGE: usize = 500;

/// Texts that wait for the client, each about as long as [`TEXT_BYTES`]; then the follower waits.
const TEXTS: usize = 2;
const TEXT_BYTES: usize = 1 << 16;

/// Seconds until a follower too many should try again.
const FULL_WAIT: u64 = 5;

/// `GET …/stream/live`.
pub(super) async fn follow(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let filter = Filter::asked(state, request, member)?;
    // What is no text is no cursor either, and is refused as such.
    let last = request.headers().get(LAST_EVENT_ID).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let last = last.filter(|text| !text.is_empty()).map(|text| text.into_owned());
    let after = last.or_else(|| parameter(request, "after"));
    let begin = match stream::start(state, request, member, after).await? {
        Some(place) => place,
        None => outbound::head(&state.stream).await.map_err(|error| away(state, &error))?,
    };
    let follower = state.tail.follow(member.project.id).ok_or_else(|| {
        Problem::new(Code::Overloaded, "too many clients follow the stream; try again, or read it in pages")
            .retry_after(FULL_WAIT)
    })?;
    let (sender, receiver) = mpsc::channel(TEXTS);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let session = Session {
        state: state.clone(),
        request: request.clone(),
        member: member.clone(),
        filter,
        follower,
        sender,
        place: begin,
        told: begin,
        looks,
        sent: Instant::now(),
    };
    actix_web::rt::spawn(session.run());
    let body = futures_util::stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|text| (Ok::<Bytes, Infallible>(text), receiver))
    });
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(Answer::events(BodyStream::new(body)).header(unbuffered.0, unbuffered.1))
}

/// One client that follows. Its end, for whatever reason, is the end of the answer: the client comes back with the last id it has.
struct Session {
    state: State,
    request: HttpRequest,
    member: Member,
    filter: Filter,
    follower: Follower,
    sender: mpsc::Sender<Bytes>,
    /// Everything up to here was sent, or was not wanted.
    place: Cursor,
    /// The last id that the client was told.
    told: Cursor,
    looks: Interval,
    /// When something was sent last.
    sent: Instant,
}

/// Why a session ends; nobody is told but the client, by the end of the answer.
#[derive(Debug)]
struct Over;

impl Session {
    async fn run(mut self) {
        let Err(Over) = self.follow().await;
    }

    async fn follow(&mut self) -> Result<Infallible, Over> {
        self.send(format!("{GREETING}id: {}\n\n", self.place.encode())).await?;
        loop {
            self.catch_up().await?;
            self.hear().await?;
        }
    }

    /// Sends what was missed, in pages.
    async fn catch_up(&mut self) -> Result<(), Over> {
        loop {
            self.look()?;
            let wanted = self.filter.wanted(self.member.project.id, Some(self.place), PAGE);
            let page = outbound::page(&self.state.stream, &wanted).await.map_err(|error| {
                tracing::warn!(%error, "a follower of the stream is sent away");
                Over
            })?;
            self.tell(&page.items).await?;
            self.place = page.next;
            if self.sent.elapsed() >= HEARTBEAT {
                self.beat().await?;
            }
            if page.caught_up {
                return Ok(());
            }
        }
    }

    /// Sends what is new, until there was too much of it.
    async fn hear(&mut self) -> Result<(), Over> {
        loop {
            tokio::select! {
                news = self.follower.next() => match news {
                    News::Batch(batch) if batch.from > self.place => return Ok(()),
                    News::Batch(batch) => {
                        self.tell(&batch.items).await?;
                        self.place = self.place.max(batch.to);
                    }
                    News::Missed => return Ok(()),
                    News::Over => return Err(Over),
                },
                _ = self.looks.tick() => {
                    self.look()?;
                    if self.sent.elapsed() >= HEARTBEAT {
                        self.beat().await?;
                    }
                }
                () = self.sender.closed() => return Err(Over),
            }
        }
    }

    /// Shows that the stream goes on; and where it is, when what came since was not wanted: a client that comes back need not have all
    /// of that looked through again.
    async fn beat(&mut self) -> Result<(), Over> {
        let text = if self.place > self.told {
            format!(":\nid: {}\n\n", self.place.encode())
        } else {
            ":\n\n".to_owned()
        };
        self.told = self.place;
        self.send(text).await
    }

    /// Whether the client may go on, as it would be let in now.
    fn look(&mut self) -> Result<(), Over> {
        if self.state.traffic.is_leaving() {
            return Err(Over);
        }
        self.member = door::again(&self.state, &self.request, &self.member.project, Scope::ProjectStreamRead)
            .ok_or(Over)?;
        Ok(())
    }

    /// Sends those items that are wanted and were not sent.
    async fn tell(&mut self, items: &[Item]) -> Result<(), Over> {
        let sight = Sight::of(&self.member.caller);
        let mut text = String::new();
        for one in items {
            if one.cursor <= self.place || !self.filter.takes(one) {
                continue;
            }
            let data = item::write(one, sight, &self.member.project.catalogue).map_err(|error| {
                tracing::error!(%error, "what the log holds is not an object");
                Over
            })?;
            text.push_str("id: ");
            text.push_str(&one.cursor.encode());
            text.push_str("\ndata: ");
            text.push_str(&data);
            text.push_str("\n\n");
            self.told = one.cursor;
            if text.len() >= TEXT_BYTES {
                self.send(std::mem::take(&mut text)).await?;
            }
        }
        if text.is_empty() { Ok(()) } else { self.send(text).await }
    }

    /// Hands a text on, and waits while the client takes nothing; a client that takes nothing for long is cut off by its
    /// connection.
    async fn send(&mut self, text: String) -> Result<(), Over> {
        let sender = self.sender.clone();
        let room = sender.reserve();
        tokio::pin!(room);
        loop {
            tokio::select! {
                room = &mut room => {
                    room.map_err(|_| Over)?.send(text.into());
                    self.sent = Instant::now();
                    return Ok(());
                }
                _ = self.looks.tick() => self.look()?,
            }
        }
    }
}
