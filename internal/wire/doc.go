// Package wire is the bytes of docs/protocol.md: records, frames, blocks and their ops, the schema, the values
// of JSON mode, and the batches that clients send. It knows bytes and values, no sockets and no games.
//
// What a server sends is appended, by functions called AppendX(dst, …) that return the longer slice,
// allocate nothing else and trust their arguments. What comes from the network is decoded by DecodeBatch, which
// trusts nothing. Replica and JSONReplica are the other end: what a client makes of the frames
// it gets, for tests, bots and clients in Go. Both have the same State for the same match.
package wire
