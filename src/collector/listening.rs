//! Whether a process listens where anybody could reach it.

use std::collections::HashSet;
use std::io;
use std::path::Path;

/// The tables of sockets of TCP, of all processes that share the network.
const TABLES: [&str; 2] = ["net/tcp", "net/tcp6"];
/// The state of a socket that listens.
const LISTENS: &str = "0A";

/// Whether the process listens on TCP; `folder` is its folder in `/proc`.
pub(super) fn listens_on_tcp(folder: &Path) -> io::Result<bool> {
    let mut listening = HashSet::new();
    for table in TABLES {
        match std::fs::read_to_string(folder.join(table)) {
            Ok(text) => listening.extend(listeners(&text)),
            // A kernel without IPv6.
            Err(why) if why.kind() == io::ErrorKind::NotFound && table != TABLES[0] => {}
            Err(why) => return Err(why),
        }
    }
    for entry in std::fs::read_dir(folder.join("fd"))? {
        // One that was closed meanwhile is none.
        let Ok(target) = std::fs::read_link(entry?.path()) else { continue };
        let inode = target.to_str().and_then(|it| it.strip_prefix("socket:[")?.strip_suffix(']'));
        if inode.is_some_and(|inode| listening.contains(inode)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The inodes of those that listen: `sl local remote st queues timer retransmits uid timeout inode …`.
fn listeners(table: &str) -> impl Iterator<Item = String> {
    let rows = table.lines().skip(1).map(|line| line.split_whitespace());
    rows.filter_map(|mut columns| {
        let state = columns.nth(3)?;
        let inode = columns.nth(5)?;
        (state == LISTENS).then(|| inode.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixListener;

    use super::*;

    const TABLE: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1594 1 0000000 100 0 0 10 0
   1: 0100007F:9C40 0100007F:07E8 01 00000000:00000000 00:00000000 00000000     0        0 1600 1 0000000 100 0 0 10 0
";

    #[test]
    fn only_a_socket_that_listens_counts() {
        assert_eq!(listeners(TABLE).collect::<Vec<_>>(), ["1594"]);
        assert_eq!(listeners("").count(), 0);
    }

    #[test]
    fn a_process_is_asked_for_its_own_sockets() {
        let folder = tempfile::tempdir().unwrap();
        let own = Path::new("/proc/self");
        let fake = |inode: &str, table: &str| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir_all(folder.path().join("fd")).unwrap();
            std::fs::create_dir_all(folder.path().join("net")).unwrap();
            std::fs::write(folder.path().join(table), TABLE).unwrap();
            std::os::unix::fs::symlink(format!("socket:[{inode}]"), folder.path().join("fd/3")).unwrap();
            listens_on_tcp(folder.path())
        };
        assert!(fake("1594", "net/tcp").unwrap());
        assert!(!fake("1600", "net/tcp").unwrap() && !fake("159", "net/tcp").unwrap());
        // Without the table nothing is known.
        assert!(fake("1594", "net/tcp6").is_err());
        let _unix = UnixListener::bind(folder.path().join("socket")).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let _stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(listens_on_tcp(own).unwrap());
    }
}
