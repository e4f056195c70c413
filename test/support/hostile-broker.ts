// A broker in an attacker's hands: it sends what only Node itself should, to the process that started it.
for (const cmd of ['NODE_HANDLE_ACK', 'NODE_HANDLE_NACK', 'NODE_HANDLE', 'NODE_SOCKET_NOTIFY_CLOSE']) {
  for (const type of ['net.Server', 'net.Socket', 'none', undefined]) process.send?.({ cmd, type, key: 'x' });
}
process.on('disconnect', () => process.exit(0));
setTimeout(() => process.send?.({ type: 'ready' }), 200);
