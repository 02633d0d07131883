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
    assert_eq!(window.receive(60), Ok(()));
    assert_eq!(window.receive(41), Err(Breach::WindowExceeded));
    assert_eq!(window.release(39), None, "not worth a frame");
    assert_eq!(window.release(11), Some(50));
    assert_eq!(window.receive(91), Err(Breach::WindowExceeded));
    assert_eq!(window.receive(90), Ok(()));
    assert_eq!(window.release(0), None);
}

/// However much is held, but for the last of it, the rest moves.
#[test]
fn what_is_released_goes_back_although_much_is_held() {
    let mut window = ReceiveWindow::new(6400);
    assert_eq!(window.receive(6000), Ok(()));
    assert_eq!(window.release(399), None, "there are 400 left");
    assert_eq!(window.release(1), Some(400));
    assert_eq!(window.receive(800), Ok(()));
    assert_eq!(window.release(99), None, "frames would be small");
    assert_eq!(window.release(1), Some(100));
}
