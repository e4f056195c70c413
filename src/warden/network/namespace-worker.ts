import { closeSync, openSync, readlinkSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { enterNetworkNamespace } from '#kernel/namespace.ts';
import { type LoopbackFamily, listenOnLoopback, startConnect, tcpSocket } from '#kernel/socket.ts';

/**
 * The only thread that leaves its network namespace (H2). Each request is served synchronously:
 * there, a socket, back. Nothing else runs here, so nothing is born while it is away.
 */
export type NamespaceRequest = { readonly serial: number; readonly namespaceFd: number } & (
  | { readonly act: 'listen'; readonly port: number }
  | { readonly act: 'dial'; readonly port: number; readonly family: LoopbackFamily }
);
export type NamespaceReply = { readonly serial: number } & ({ readonly fd: number } | { readonly code: string });

/** A Worker has no process.abort. This signal cannot be refused; the next warden adopts all. */
const endProcess = (): void => void process.kill(process.pid, 'SIGKILL');

const ownPath = '/proc/thread-self/ns/net';
const homeFd = openSync(ownPath, 'r');
const home = readlinkSync(ownPath);

function makeSocket(request: NamespaceRequest): number {
  const family = request.act === 'dial' ? request.family : 'ipv4';
  const fd = tcpSocket(family);
  try {
    if (request.act === 'listen') listenOnLoopback(fd, request.port, 511);
    else startConnect(fd, family, request.port);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function serve(request: NamespaceRequest): NamespaceReply {
  const { serial, namespaceFd } = request;
  const there = readlinkSync(`/proc/self/fd/${namespaceFd}`);
  if (readlinkSync(ownPath) !== home) endProcess();
  if (!there.startsWith('net:[') || there === home) return { serial, code: 'EINVAL' };
  enterNetworkNamespace(namespaceFd);
  try {
    if (readlinkSync(ownPath) !== there) return { serial, code: 'EINVAL' };
    return { serial, fd: makeSocket(request) };
  } catch (error) {
    return { serial, code: (error as { code?: string }).code ?? 'EIO' };
  } finally {
    // A thread that stays in a sandbox's namespace is worse than no warden.
    try {
      enterNetworkNamespace(homeFd);
      if (readlinkSync(ownPath) !== home) endProcess();
    } catch {
      endProcess();
    }
  }
}

parentPort?.on('message', (request: NamespaceRequest) => {
  let reply: NamespaceReply;
  try {
    reply = serve(request);
  } catch (error) {
    reply = { serial: request.serial, code: (error as { code?: string }).code ?? 'EIO' };
  }
  parentPort?.postMessage(reply);
});
