//! Asks a person at the terminal, without showing what is typed.

use std::io::{self, BufRead as _, BufReader, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Asks at the terminal of the process, wherever its streams go.
pub(super) fn ask(what: &str) -> io::Result<Zeroizing<String>> {
    let terminal = fs_err::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")?;
    let mut voice = terminal.file();
    // Hidden before it is asked, so that nobody can be quicker than the terminal.
    let hidden = Hidden::new(&terminal)?;
    write!(voice, "{what}: ")?;
    // A passphrase fits the buffer, so nothing of it is left in one that grew.
    let mut typed = Zeroizing::new(String::with_capacity(1024));
    BufReader::new(terminal.file()).read_line(&mut typed)?;
    drop(hidden);
    writeln!(voice)?;
    let line = typed.trim_end_matches(['\r', '\n']);
    Ok(Zeroizing::new(line.to_owned()))
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden<'a> {
    terminal: &'a fs_err::File,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn new(terminal: &'a fs_err::File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // What was typed before the question is thrown away.
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // Nobody is left to tell; a shell sets its terminal anew.
        let _untold = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}
