import { accessSync, constants } from 'node:fs';
import type { Config } from '#config/config.ts';
import { endsTls } from '#config/tls.ts';
import type { CertificatePair } from '#contract/server-supervision.ts';
import { describePair } from '#main/certificates/certificates.ts';
import { readPair } from '#main/certificates/read-pair.ts';
import { type Finding, ok } from '#main/doctor/finding.ts';
import { dataPaths } from '#main/up/paths.ts';
import { readStatus } from '#main/up/status.ts';

const soonMs = 7 * 86_400_000;

/** Under TLS: the certificates that are served, or would be; and the DNS hook. */
export function examineCertificates(config: Config, running: boolean): readonly Finding[] {
  if (!endsTls(config)) return [];
  const served = running ? (readStatus(dataPaths(config.data))?.certificates ?? []) : [];
  return [
    ...served.map(({ names, endsMs, problem }): Finding => {
      const what = `certificate ${names[0] ?? ''}`;
      const saw = `ends ${new Date(endsMs).toISOString()}${problem === null ? '' : `; ${problem}`}`;
      if (endsMs - Date.now() < soonMs) return { what, verdict: 'bad', saw, mend: './casemate logs' };
      return problem === null ? ok(what, saw) : { what, verdict: 'warn', saw, mend: './casemate logs' };
    }),
    ...(served.length > 0
      ? []
      : config.tlsCertificateFiles.map((file, index) => judgeFiles(file, config.tlsKeyFiles[index] ?? file))),
    ...(config.dnsHook === null ? [] : [judgeHook(config.dnsHook)]),
  ];
}

function judgeFiles(certificateFile: string, keyFile: string): Finding {
  const what = `certificate ${certificateFile}`;
  let pair: CertificatePair;
  try {
    pair = readPair(certificateFile, keyFile);
  } catch (error) {
    const saw = error instanceof Error ? error.message : String(error);
    return { what, verdict: 'bad', saw, mend: './casemate tls status' };
  }
  const { names, endsMs } = describePair(pair, null);
  return ok(what, `${names.join(' ')}, ends ${new Date(endsMs).toISOString()}`);
}

function judgeHook(program: string): Finding {
  try {
    accessSync(program, constants.X_OK);
    return ok('DNS hook', program);
  } catch {
    return { what: 'DNS hook', verdict: 'bad', saw: `${program} cannot be run`, mend: `chmod 755 ${program}` };
  }
}
