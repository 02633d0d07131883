//! The journal: what happened, in one SQLite file, appended to and never changed.
//!
//! One process writes the events of a trust domain: it holds an exclusive lock that the kernel releases when the
//! process dies, however it dies ([`Writer`]). Everybody else reads, and puts decisions into the inbox.
//!
//! A committed event is on the disk (`synchronous = FULL`) before the call that appends it returns. That is what makes
//! "write the intent, act, look, write what was seen" worth its name.

mod error;
mod inbox;
mod ledger;
mod lock;
mod place;
mod schema;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use newleaf_rotation::{Event, Plan, RotationId, State, TrustDomainId};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

pub use self::error::JournalError;
pub(crate) use self::inbox::{Answer, Asked};
pub use self::writer::Writer;
use self::{error::doing, lock::Lock, place::Place};

/// How long a statement waits for another process that is writing. A write takes milliseconds; a disk that keeps one
/// busy for this long is a fault to be told, not to be waited out.
const BUSY: Duration = Duration::from_secs(10);

/// One journal, open. Its methods read, put decisions into the inbox and keep the ledger; events are
/// appended through a [`Writer`] only.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// Which file it is, if it was opened for writing.
    place: Option<Place>,
}

/// One line of the list of rotations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The rotation.
    pub rotation: RotationId,
    /// Whose identities it rotates.
    pub domain: TrustDomainId,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
}

/// Everything that the journal holds of one rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What was planned.
    pub plan: Plan,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// What happened, in order.
    pub events: Vec<Recorded>,
}

/// One event, as the journal holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The event's number, counted from one.
    pub rev: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

impl Record {
    /// Folds the events.
    pub fn state(&self) -> State {
        let events = self.events.iter().map(|line| (line.at, &line.event));
        State::replay(&self.plan, self.started_at, events)
    }
}

impl Journal {
    /// Opens a journal for writing, and makes it if there is none.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, JournalError> {
        let path = path.into();
        let mut connection = Connection::open(&path).map_err(doing("open the journal", &path))?;
        schema::prepare(&mut connection, &path)?;
        let place = Place::of(&path)?;
        Ok(Self::over(path, connection, Some(place)))
    }

    /// Opens a journal for reading. Nothing can be written through it, not even a decision.
    pub fn open_read_only(path: impl Into<PathBuf>) -> Result<Self, JournalError> {
        let path = path.into();
        if !path.exists() {
            return Err(JournalError::Missing { path });
        }
        let (connection, is_new) = match read_only(&path) {
            Err(error) if error.is_write_unfinished() => {
                finish_write(&path)?;
                read_only(&path)?
            }
            opened => opened?,
        };
        // Whoever makes the journal has opened the file, and has not come further yet.
        if is_new {
            return Err(JournalError::Missing { path });
        }
        schema::check(&connection, &path)?;
        Ok(Self::over(path, connection, None))
    }

    fn over(path: PathBuf, connection: Connection, place: Option<Place>) -> Self {
        Self {
            path,
            connection: Mutex::new(connection),
            place,
        }
    }

    /// Makes sure that the journal still is the file at its path.
    fn is_here(&self) -> Result<(), JournalError> {
        match self.place {
            Some(place) => place.check(&self.path),
            None => Ok(()),
        }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A panic while the lock was held cannot have left a half-written event: SQLite rolls back what was not committed.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists the rotations, the newest first.
    pub fn rotations(&self) -> Result<Vec<Entry>, JournalError> {
        let failed = doing("list the rotations", &self.path);
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(
                "select id, domain, started_at, ended_at from rotation order by rowid desc",
            )
            .map_err(&failed)?;
        let rows = query
            .query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .map_err(&failed)?;
        rows.map(|row| {
            let (id, domain, started, ended): (String, String, String, Option<String>) =
                row.map_err(&failed)?;
            Ok(Entry {
                rotation: RotationId::new(id),
                domain: TrustDomainId::new(domain),
                started_at: self.instant(&started)?,
                ended_at: ended.map(|at| self.instant(&at)).transpose()?,
            })
        })
        .collect()
    }

    /// Returns the rotation of a trust domain that has not ended, if there is one.
    pub fn current(&self, domain: &TrustDomainId) -> Result<Option<RotationId>, JournalError> {
        self.connection()
            .query_row(
                "select id from rotation where domain = ?1 and ended_at is null",
                [domain.as_str()],
                |row| row.get(0),
            )
            .optional()
            .map(|id: Option<String>| id.map(RotationId::new))
            .map_err(doing("look for a rotation", &self.path))
    }

    /// Reads everything about one rotation, as of one instant.
    pub fn record(&self, rotation: &RotationId) -> Result<Record, JournalError> {
        let failed = doing("read a rotation", &self.path);
        let mut connection = self.connection();
        // One transaction, so that the head and the events are of the same instant.
        let snapshot = connection.transaction().map_err(&failed)?;
        let head = snapshot
            .query_row(
                "select plan, started_at, ended_at from rotation where id = ?1",
                [rotation.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()
            .map_err(&failed)?;
        let (plan, started, ended): (String, String, Option<String>) =
            head.ok_or_else(|| JournalError::NoRotation {
                rotation: rotation.clone(),
            })?;
        let mut query = snapshot
            .prepare_cached("select rev, at, body from event where rotation = ?1 order by rev")
            .map_err(&failed)?;
        let rows = query
            .query_map([rotation.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .map_err(&failed)?;
        let events = rows
            .map(|row| {
                let (rev, at, body): (i64, String, String) = row.map_err(&failed)?;
                Ok(Recorded {
                    rev: u64::try_from(rev).unwrap_or_default(),
                    at: self.instant(&at)?,
                    event: self.understand(&body)?,
                })
            })
            .collect::<Result<_, JournalError>>()?;
        Ok(Record {
            plan: self.plan(&plan)?,
            started_at: self.instant(&started)?,
            ended_at: ended.map(|at| self.instant(&at)).transpose()?,
            events,
        })
    }

    /// Takes the right to write for a trust domain. Refused while another process, or another part of this one, has it.
    ///
    /// Waits a moment for a holder that is about to let go: a decision takes the lock for milliseconds, and a
    /// child that a killed engine was just starting holds it until its `exec`.
    pub async fn writer(&self, domain: &TrustDomainId) -> Result<Writer<'_>, JournalError> {
        let lock = Lock::acquire(&self.path, domain).await?;
        Ok(Writer {
            journal: self,
            domain: domain.clone(),
            lock,
        })
    }

    /// Takes the right to write, or returns at once.
    pub(crate) fn try_writer(
        &self,
        domain: &TrustDomainId,
    ) -> Result<Option<Writer<'_>>, JournalError> {
        Ok(Lock::attempt(&self.path, domain)?.map(|lock| Writer {
            journal: self,
            domain: domain.clone(),
            lock,
        }))
    }

    /// Returns the process that drives a trust domain now, if one does. Asks the file, not the lock, so that a look
    /// is never in anybody's way.
    pub fn driver(&self, domain: &TrustDomainId) -> Option<u32> {
        lock::holder(&self.path, domain)
    }

    fn instant(&self, text: &str) -> Result<Timestamp, JournalError> {
        text.parse().map_err(|source| JournalError::ReadInstant {
            path: self.path.clone(),
            source,
        })
    }

    fn understand<T: serde::de::DeserializeOwned>(&self, body: &str) -> Result<T, JournalError> {
        serde_json::from_str(body).map_err(|source| JournalError::Understand {
            path: self.path.clone(),
            source,
        })
    }

    fn plan(&self, body: &str) -> Result<Plan, JournalError> {
        let plan: Plan = self.understand(body)?;
        if plan.format > newleaf_rotation::plan::FORMAT {
            return Err(JournalError::Newer {
                path: self.path.clone(),
                expected: newleaf_rotation::plan::FORMAT,
                found: i64::from(plan.format),
            });
        }
        Ok(plan)
    }
}

impl Journal {
    fn body(&self, value: &impl serde::Serialize) -> Result<String, JournalError> {
        serde_json::to_string(value).map_err(|source| JournalError::Understand {
            path: self.path.clone(),
            source,
        })
    }
}

/// Opens a file for reading, and looks whether it has tables.
fn read_only(path: &Path) -> Result<(Connection, bool), JournalError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let is_new = schema::is_new(&connection, path)?;
    Ok((connection, is_new))
}

/// Puts right what a process that was killed in the middle of a write has left behind. SQLite does that at
/// the first look of anybody who may write; a reader may not, and would be refused for ever.
fn finish_write(path: &Path) -> Result<(), JournalError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    schema::is_new(&connection, path).map(drop)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, JournalError> {
    let failed = doing("open the journal", path);
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&failed)?;
    connection.busy_timeout(BUSY).map_err(&failed)?;
    Ok(connection)
}
