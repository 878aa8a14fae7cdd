//! The tour of the README in a system that runs already, such as containers or a cluster.
//!
//!     TOUR_PAGES=frontend.example.local TOUR_THOUGHTS=thoughts.example.local:80 \
//!         TOUR_USERS=users.example.local:80 \
//!         cargo test -p mythoughts --test system elsewhere -- --ignored
//!
//! Without these it is on this machine, as compose.yaml has it.

use crate::{
    browser, grpcurl,
    support::{Addresses, Scripts},
};

#[tokio::test]
#[ignore = "wants a running system with the example data and nothing else"]
async fn the_tour_of_a_running_system() {
    let system = Addresses::of_the_tour();
    // It deletes what it writes; the browser's does not.
    grpcurl::tour(&system);
    browser::tour(Scripts::On, &system).await;
}
