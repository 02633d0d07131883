//! Windows move as RFC 9113 §6.9 says.

use super::{ReceiveWindow, SendWindow};
use crate::h2::{breach::Breach, frame::MAX_STREAM};

#[test]
fn what_may_be_sent() {
    let mut window = SendWindow::new(100);
    window.take(60);
    assert_eq!(window.room(), 40);
    assert_eq!(window.shift(-70), Ok(()));
    assert_eq!(window.room(), 0, "below zero");
    assert_eq!(window.grow(31), Ok(()));
    assert_eq!(window.room(), 1);
    assert_eq!(window.grow(MAX_STREAM - 1), Ok(()));
    assert_eq!(window.grow(1), Err(Breach::WindowOverflow));
}

#[test]
fn what_may_be_received() {
    let mut window = ReceiveWindow::new(100);
    assert_eq!(window.receive(100), Ok(()));
    assert_eq!(window.receive(1), Err(Breach::WindowExceeded));
    assert_eq!(window.release(49), None, "not worth a frame");
    assert_eq!(window.release(1), Some(50));
    assert_eq!(window.receive(51), Err(Breach::WindowExceeded));
    assert_eq!(window.receive(50), Ok(()));
    assert_eq!(window.release(0), None);
}
