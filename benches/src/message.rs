//! What caller and server of a measurement say to each other: one gRPC message that tells the server what to do.

use std::time::Duration;

/// What a gRPC message begins with: one byte of compression, four of length.
pub const GRPC_HEAD: usize = 5;

/// What our own message begins with: reply length, then how long to wait with it.
const ORDER_BYTES: usize = 8;

/// The gRPC head and the order, which is all of a request that the server keeps.
pub const LEADING_BYTES: usize = GRPC_HEAD + ORDER_BYTES;

/// What a request asks of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Bytes of the reply's message.
    pub reply: u32,
    /// How long to hold the reply back: what a long poll is.
    pub hold: Duration,
}

impl Order {
    /// The request as it travels, with as much filling as makes its message `length` bytes long.
    pub fn request(self, length: usize) -> Vec<u8> {
        let length = length.max(ORDER_BYTES);
        let hold = u32::try_from(self.hold.as_millis()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(GRPC_HEAD + length);
        put_grpc_head(&mut bytes, length);
        bytes.extend_from_slice(&self.reply.to_be_bytes());
        bytes.extend_from_slice(&hold.to_be_bytes());
        bytes.resize(GRPC_HEAD + length, b'q');
        bytes
    }

    /// Reads what a request begins with. One that is no order, such as the empty message of a probe, wants an
    /// empty reply at once.
    pub fn read(leading: &[u8]) -> Self {
        let Some(order) = leading.get(GRPC_HEAD..LEADING_BYTES) else {
            return Self::default();
        };
        let mut numbers = order
            .chunks_exact(4)
            .filter_map(|number| number.first_chunk::<4>())
            .map(|number| u32::from_be_bytes(*number));
        Self {
            reply: numbers.next().unwrap_or(0),
            hold: Duration::from_millis(u64::from(numbers.next().unwrap_or(0))),
        }
    }
}

/// Writes what a gRPC message of `length` bytes begins with.
pub fn put_grpc_head(out: &mut Vec<u8>, length: usize) {
    out.push(0);
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Order;

    #[test]
    fn an_order_is_read_as_it_was_given() {
        let order = Order {
            reply: 150,
            hold: Duration::from_mins(1),
        };
        let request = order.request(250);
        assert_eq!(request.len(), 255);
        assert_eq!(Order::read(&request), order);
        assert_eq!(Order::read(b"\0\0\0\0\0"), Order::default());
    }
}
