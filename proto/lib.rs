//! The contract of MyThoughts: what its services say to each other and to anybody else.
//!
//! The modules are the protobuf packages, one for each service and version:
//!
//! - [`thoughts::v1`]: writing, listing and searching thoughts;
//! - [`users::v1`]: accounts, signing in, and the keys that tokens are checked with.
//!
//! Each has its messages, a client (`…_client`) and the trait that a server implements
//! (`…_server`). Everything is generated from `proto/` by `build.rs`; the comments on each rpc say
//! who may call it and which codes it fails with.

/// Thoughts: `mythoughts.thoughts`.
pub mod thoughts {
    /// `mythoughts.thoughts.v1`.
    #[allow(clippy::all)]
    pub mod v1 {
        tonic::include_proto!("mythoughts.thoughts.v1");
    }
}

/// Users: `mythoughts.users`.
pub mod users {
    /// `mythoughts.users.v1`.
    #[allow(clippy::all)]
    pub mod v1 {
        tonic::include_proto!("mythoughts.users.v1");
    }
}

/// The encoded `google.protobuf.FileDescriptorSet` of every file in `proto/`, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
