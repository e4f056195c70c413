/** What the C library and Node read to resolve names, and to know the machine's certificate authorities. Absent ones are left out. */
export const nameFiles: readonly string[] = [
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/nsswitch.conf',
  '/etc/host.conf',
  '/etc/gai.conf',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
  '/usr/share/ca-certificates',
  '/usr/local/share/ca-certificates',
];
