use std::process::ExitCode;

/// How a command ended, as a script sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// A plan waits for a person.
    Waiting,
    /// Something failed or was left; run it again.
    Incomplete,
    /// `verify` or `collector` found damage.
    Damaged,
    /// The registry, its storage or the cluster could not be reached, or refused.
    Registry,
    /// The command line or a file is wrong.
    Usage,
    /// The state directory is locked, damaged or cannot be written.
    State,
    /// A fault of this program, or of where it writes to.
    Internal,
    /// Ended by SIGINT.
    Interrupted,
    /// Ended by SIGTERM.
    Terminated,
}

/// What `--help` says about exit codes; `docs/cli.md` has the same words, and a test compares them.
pub(super) const HELP: &str = "\
Exit codes:
  0    done, or nothing to do
  1    an internal error, or the output could not be written
  2    the command line or a file is wrong
  3    the registry, its storage or the cluster could not be reached or read, or refused: login, TLS, rights,
       deletion disabled, read-only, pull-through cache, hidden tags
  4    a plan waits for acceptance (prune --yes: what needs none was deleted)
  5    incomplete: something failed or was left; run it again
  6    verify or collector found damage
  7    the state directory is locked, damaged or cannot be written
  130  ended by SIGINT; run it again to go on
  143  ended by SIGTERM; run it again to go on";

impl Exit {
    /// Every way to end.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::Waiting,
        Self::Incomplete,
        Self::Damaged,
        Self::Registry,
        Self::Usage,
        Self::State,
        Self::Internal,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Registry => 3,
            Self::Waiting => 4,
            Self::Incomplete => 5,
            Self::Damaged => 6,
            Self::State => 7,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// Of the outcomes on several registries the worse one tells.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        self.max(other)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_code_is_in_the_help_and_in_the_docs() {
        let docs = include_str!("../../docs/cli.md");
        for exit in Exit::ALL {
            let line = |line: &str| line.starts_with(&format!("  {:<5}", exit.code()));
            assert!(HELP.lines().any(line), "--help lacks {exit:?}");
            assert!(docs.contains(&format!("\n| {} | ", exit.code())), "docs/cli.md lacks {exit:?}");
        }
    }

    #[test]
    fn the_worse_outcome_tells() {
        assert_eq!(Exit::Done.worse(Exit::Waiting), Exit::Waiting);
        assert_eq!(Exit::Registry.worse(Exit::Incomplete), Exit::Registry);
        assert_eq!(Exit::Done.worse(Exit::Done), Exit::Done);
    }
}
