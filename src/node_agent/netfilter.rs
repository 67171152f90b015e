//! Cuts a node off: an nftables table of our own, written to the kernel by netlink, so that the node needs no tools. The
//! kernel ties the table to the process that made it: when that ends, whatever ends it, the cut ends too.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The name of the table.
const TABLE: &str = "driftproof-cut";
/// The node's own network, seen from a pod that shares the node's process IDs.
const NODE_NETWORK: &str = "/proc/1/ns/net";
/// Before connection tracking and everything else that looks at packets (`NF_IP_PRI_RAW_BEFORE_DEFRAG`).
const FIRST: i32 = -450;

// From linux/netlink.h, linux/netfilter/nfnetlink.h and linux/netfilter/nf_tables.h.
const NLMSG_ERROR: u16 = 2;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NFTABLES: u16 = 10;
const NEW_TABLE: u16 = 0;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const NEW_RULE: u16 = 6;
const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
const CREATE: u16 = 0x400;
const APPEND: u16 = 0x800;
const INET: u8 = 1;
const NESTED: u16 = 0x8000;
const OWNER: u32 = 2;
const PREROUTING: u32 = 0;
const POSTROUTING: u32 = 4;
const IIFNAME: u32 = 6;
const OIFNAME: u32 = 7;

/// The node's outer interfaces, and the socket that owns the table.
pub(super) struct Cut {
    socket: OwnedFd,
    interfaces: BTreeSet<String>,
    /// Whether the kernel can tie a table to its process (since Linux 5.12).
    owned: bool,
}

impl Cut {
    /// Enters the node's network and tries a table there that drops nothing.
    ///
    /// # Errors
    /// What the node lacks.
    pub(super) fn ready(ip: &str) -> Result<Self, String> {
        let network = File::open(NODE_NETWORK)
            .map_err(|error| format!("{NODE_NETWORK}: {error}: does the pod run privileged, with hostPID?"))?;
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|error| format!("enter the node's network: {error}: does the pod run privileged?"))?;
        Self::here(ip)
    }

    /// The same in the network in which this process already is.
    fn here(ip: &str) -> Result<Self, String> {
        let route = |file: &str| fs::read_to_string(format!("/proc/thread-self/net/{file}")).unwrap_or_default();
        let interfaces = outer(&route("route"), &route("ipv6_route"), ip);
        if interfaces.is_empty() {
            return Err(
                "the node has no default route, and none to its own address: which interface to cut cannot be told"
                    .to_owned(),
            );
        }
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(NETFILTER))
            .map_err(|error| format!("netlink: {error}"))?;
        let mut cut = Self { socket, interfaces, owned: true };
        cut.end()?;
        let mut tried = cut.send(&[table(OWNER)]);
        if matches!(tried, Err(Errno::OPNOTSUPP | Errno::INVAL)) {
            cut.owned = false;
            tried = cut.send(&[table(0)]);
        }
        tried.map_err(|error| format!("this kernel takes no nftables table: {error}"))?;
        cut.end()?;
        Ok(cut)
    }

    /// Cuts. A table that an earlier try has left is replaced.
    pub(super) fn make(&mut self) -> Result<(), String> {
        self.end()?;
        let mut messages = vec![table(if self.owned { OWNER } else { 0 })];
        for (chain, hook, key) in [("in", PREROUTING, IIFNAME), ("out", POSTROUTING, OIFNAME)] {
            messages.push(self::chain(chain, hook));
            messages.extend(self.interfaces.iter().map(|interface| drop_rule(chain, key, interface)));
        }
        let names = self.interfaces.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        self.send(&messages).map_err(|error| format!("cut {names}: {error}"))
    }

    /// Deletes the table; absent is as good.
    pub(super) fn end(&mut self) -> Result<(), String> {
        match self.send(&[message(DELETE_TABLE, REQUEST | ACK, &text(1, TABLE))]) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(format!("delete table inet {TABLE}: {error}")),
        }
    }

    /// Sends messages as one transaction. The kernel answers before `sendto` returns.
    fn send(&self, messages: &[Vec<u8>]) -> Result<(), Errno> {
        let mut batch = header(BATCH_BEGIN, REQUEST, 0, NFTABLES, &[]);
        batch.extend(messages.iter().flatten());
        batch.extend(header(BATCH_END, REQUEST, 0, NFTABLES, &[]));
        sendto(&self.socket, &batch, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        let mut result = Ok(());
        let mut buffer = vec![0_u8; 1 << 16];
        loop {
            match recv(&self.socket, &mut buffer, RecvFlags::DONTWAIT) {
                Ok((_, size)) => result = result.and(answer(&buffer[..size.min(buffer.len())])),
                Err(Errno::AGAIN) => return result,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The first error in what the kernel said.
fn answer(mut bytes: &[u8]) -> Result<(), Errno> {
    while let Some(head) = bytes.get(..20) {
        let number = |at: usize| [head[at], head[at + 1], head[at + 2], head[at + 3]];
        let length = u32::from_ne_bytes(number(0)) as usize;
        let code = i32::from_ne_bytes(number(16));
        if u16::from_ne_bytes([head[4], head[5]]) == NLMSG_ERROR && code != 0 {
            return Err(Errno::from_raw_os_error(-code));
        }
        bytes = bytes.get(length.max(16).next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(())
}

fn table(flags: u32) -> Vec<u8> {
    message(NEW_TABLE, REQUEST | ACK | CREATE, &[text(1, TABLE), number(2, flags)].concat())
}

fn chain(name: &str, hook: u32) -> Vec<u8> {
    let at = nested(4, &[number(1, hook), number(2, FIRST.cast_unsigned())].concat());
    let accept = number(5, 1);
    message(NEW_CHAIN, REQUEST | ACK | CREATE, &[text(1, TABLE), text(3, name), at, accept, text(7, "filter")].concat())
}

/// `iifname "eth0" drop`, or `oifname`.
fn drop_rule(chain: &str, key: u32, interface: &str) -> Vec<u8> {
    let mut name = [0_u8; 16];
    let length = interface.len().min(15);
    name[..length].copy_from_slice(&interface.as_bytes()[..length]);
    let expression = |kind: &str, data: &[u8]| nested(1, &[text(1, kind), nested(2, data)].concat());
    let load = expression("meta", &[number(1, 1), number(2, key)].concat());
    let compare = expression("cmp", &[number(1, 1), number(2, 0), nested(3, &attribute(1, &name))].concat());
    let verdict = nested(2, &nested(2, &number(1, 0)));
    let drop = expression("immediate", &[number(1, 0), verdict].concat());
    let expressions = nested(4, &[load, compare, drop].concat());
    message(NEW_RULE, REQUEST | ACK | CREATE | APPEND, &[text(1, TABLE), text(2, chain), expressions].concat())
}

fn message(kind: u16, flags: u16, attributes: &[u8]) -> Vec<u8> {
    header((NFTABLES << 8) | kind, flags, INET, 0, attributes)
}

/// `nlmsghdr`, `nfgenmsg`, attributes.
#[expect(clippy::cast_possible_truncation, reason = "messages are some hundred bytes long")]
fn header(kind: u16, flags: u16, family: u8, resource: u16, attributes: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(20 + attributes.len());
    bytes.extend((20 + attributes.len() as u32).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([family, 0]);
    bytes.extend(resource.to_be_bytes());
    bytes.extend(attributes);
    bytes
}

#[expect(clippy::cast_possible_truncation, reason = "attributes are some hundred bytes long")]
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 + value.len());
    bytes.extend((4 + value.len() as u16).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn nested(kind: u16, value: &[u8]) -> Vec<u8> {
    attribute(kind | NESTED, value)
}

fn number(kind: u16, value: u32) -> Vec<u8> {
    attribute(kind, &value.to_be_bytes())
}

fn text(kind: u16, value: &str) -> Vec<u8> {
    attribute(kind, &[value.as_bytes(), &[0]].concat())
}

/// The interfaces that lead out of the node: those of default routes, and the one of the network that holds its address.
/// From `/proc/net/route` and `/proc/net/ipv6_route`.
fn outer(route: &str, route6: &str, ip: &str) -> BTreeSet<String> {
    let ip: Option<u32> = ip.parse::<Ipv4Addr>().ok().map(|ip| u32::from_ne_bytes(ip.octets()));
    let number = |text: &str| u32::from_str_radix(text, 16).ok();
    let mut found = BTreeSet::new();
    for line in route.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [interface, network, gateway, _, _, _, _, mask, ..] = fields.as_slice() else { continue };
        let (Some(network), Some(gateway), Some(mask)) = (number(network), number(gateway), number(mask)) else {
            continue;
        };
        let default = network == 0 && mask == 0;
        let own = gateway == 0 && mask != 0 && ip.is_some_and(|ip| ip & mask == network);
        if default || own {
            found.insert((*interface).to_owned());
        }
    }
    for line in route6.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let default = fields.first().is_some_and(|network| network.bytes().all(|byte| byte == b'0'))
            && fields.get(1) == Some(&"00");
        if let Some(interface) = fields.get(9).filter(|interface| default && **interface != "lo") {
            found.insert((*interface).to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        cni0\t0001F40A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        eth1\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
    const ROUTE6: &str = "\
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000000000000000000a 00000400 00000001 00000000 00000003     eth2\n\
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n\
        fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth3\n";

    #[test]
    fn the_way_out_is_found_and_the_pods_are_not_cut_off_from_their_node() {
        let names = |ip| outer(ROUTE, ROUTE6, ip).into_iter().collect::<Vec<_>>();
        assert_eq!(names(""), ["eth0", "eth2"]);
        assert_eq!(names("192.168.2.7"), ["eth0", "eth1", "eth2"]);
        assert!(outer("", "", "10.0.0.1").is_empty());
    }

    #[test]
    fn attributes_are_padded_and_their_length_is_not() {
        assert_eq!(text(1, "in"), [7, 0, 1, 0, b'i', b'n', 0, 0]);
        assert_eq!(number(2, 2), [8, 0, 2, 0, 0, 0, 0, 2]);
        let message = table(0);
        assert_eq!(message[0] as usize, message.len());
        assert_eq!((message[4], message[5], message[16]), (0, 10, INET));
    }

    #[test]
    fn the_kernels_first_error_counts() {
        let said = |code: i32| {
            let mut bytes = header(NLMSG_ERROR, 0, 0, 0, &[0; 16]);
            bytes[16..20].copy_from_slice(&code.to_ne_bytes());
            bytes
        };
        assert_eq!(answer(&said(0)), Ok(()));
        assert_eq!(answer(&[said(0), said(-2), said(-1)].concat()), Err(Errno::NOENT));
        assert_eq!(answer(&[]), Ok(()));
    }
}
