// A service that sends as many bytes as a client's first line asks for, or takes them if that is negative, and prints its
// port. Argument: the address to listen on.
import { createServer } from 'node:net';

const piece = Buffer.alloc(65_536, 'metalab ');

const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (first) => {
    const end = first.indexOf('\n');
    const asked = Number(first.subarray(0, end));
    if (asked > 0) send(socket, asked);
    else take(socket, -asked - (first.length - end - 1));
  });
});
server.listen(0, process.argv[2], () => console.log(server.address().port));

function send(socket, bytes) {
  let left = bytes;
  const more = () => {
    while (left > 0) {
      const part = left < piece.length ? piece.subarray(0, left) : piece;
      left -= part.length;
      if (!socket.write(part)) return;
    }
    socket.end();
  };
  socket.on('drain', more);
  more();
}

function take(socket, bytes) {
  let left = bytes;
  socket.on('data', (part) => {
    left -= part.length;
    if (left === 0) socket.end('all');
  });
}
