use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::Path;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Puts the calling thread, and so whatever it starts from now on, onto another network until this is dropped.
pub(super) struct OnNetwork {
    before: File,
}

impl OnNetwork {
    /// Onto the network of the process `pid`.
    pub(super) fn of_process(pid: &str) -> Self {
        let before = File::open("/proc/thread-self/ns/net").expect("the thread has a network");
        enter(&File::open(Path::new("/proc").join(pid).join("ns/net")).expect("the cluster has a network"));
        Self { before }
    }
}

impl Drop for OnNetwork {
    fn drop(&mut self) {
        enter(&self.before);
    }
}

fn enter(network: &File) {
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may change its network");
}
