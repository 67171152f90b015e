//! What will be done: scenario × inventory × seed → concrete steps, every random choice already made, every
//! guard rail already applied. Does no I/O and draws no randomness outside the seed.

mod canary;
mod chance;
mod drain;
mod etcd_member;
mod guard;
mod inventory;
mod make;
mod marks;
mod model;
mod nodes;
mod others;
mod partition;
mod permissions;
mod pod_kill;
mod pods;
mod policy;
mod rbac;
mod reach;
mod selector;
mod taint;
mod text;

#[cfg(test)]
mod partition_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use canary::{agent_name, tcp_ports};
pub use chance::{generator, shuffle};
pub use drain::{DrainRules, Fate, fate};
pub use inventory::{
    Inventory, is_control_plane, is_cordoned, is_finished, is_node_ready, is_ready, is_running, is_terminating,
    node_of, node_target, pod_target, zone_of,
};
pub use make::{choose, make};
pub use marks::{MANAGED_BY, MANAGER, RUN, STEP};
pub use model::*;
pub use others::left_over;
pub use permissions::{
    failsafe as failsafe_permissions, namespaces_of as namespaces_of_fixtures, of as permissions,
    of_fixtures as fixture_permissions, of_node_agents as node_agent_permissions, undoing as undo_permissions,
};
pub use pods::{Group, controller, controller_uid, ordinal, pods_of, role};
pub use policy::{label, object_name};
pub use rbac::rbac;
pub use reach::{Optional, labelled_namespaces, namespaces, optional, takes_nodes, watches_all_nodes};
pub use selector::{Labels, matches, selects};
pub use taint::{TAINT_EFFECT, TAINT_KEY, stays, taint_value};
pub use text::{permissions_text, problem_line, text};
