import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { domainName } from '#config/parse.ts';
import { SettingError } from '#config/setting.ts';
import { usesAcme } from '#config/tls.ts';
import type { Command } from '#main/cli.ts';
import { type Development, developmentFiles, makeDevelopment } from '#main/certificates/development.ts';
import { exitCodes } from '#main/up/exit-codes.ts';
import { isLocked } from '#main/up/lock.ts';
import { dataPaths } from '#main/up/paths.ts';
import { parseUpArguments, readConfig, UsageError } from '#main/up/read-config.ts';
import { readStatus } from '#main/up/status.ts';

export const command: Command = {
  help: `
./casemate tls init [--name NAME …] [--replace] [--data DIR]
./casemate tls status [--data DIR] [-o json]

init makes an authority for development (10 years; it can sign for localhost and the NAMEs only) and
a certificate for localhost, each NAME and their wildcards, in DIR/tls, for root alone. Nothing is
installed: it prints how to trust the authority. Run again it makes a new certificate; --replace
makes a new authority too.

status shows the certificates that are served or would be, who signed them and when they end.

Exit codes: 0 done, 1 failed or a certificate has a problem, 2 wrong command line.
`,
  async run(commandArguments) {
    const [action, ...rest] = commandArguments;
    if (action === 'init') return initialise(rest);
    if (action === 'status') return showStatus(rest);
    throw new UsageError('tls init or tls status; see ./casemate tls --help');
  },
};

function parsed(options: Parameters<typeof parseArgs>[0]): Record<string, unknown> {
  try {
    return parseArgs({ ...options, strict: true }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function initialise(args: string[]): Promise<number> {
  const values = parsed({
    args,
    options: {
      name: { type: 'string', multiple: true },
      replace: { type: 'boolean' },
      data: { type: 'string' },
    },
  });
  const names = ((values['name'] ?? []) as string[]).map(developmentName);
  const flags = typeof values['data'] === 'string' ? ['--data', values['data']] : [];
  const { data } = await readConfig(parseUpArguments(flags));
  if (process.getuid?.() !== 0)
    throw new Error('this writes to the data directory and needs root: sudo ./casemate tls init');
  console.log(explain(await makeDevelopment(dataPaths(data).tls, names, values['replace'] === true)));
  return exitCodes.done;
}

/** A name, or its wildcard. */
function developmentName(text: string): string {
  try {
    return domainName(text.replace(/^\*\./, ''));
  } catch (error) {
    if (error instanceof SettingError) throw new UsageError(`--name ${error.message}`, { cause: error });
    throw error;
  }
}

function explain({ files, names, fingerprint, madeAuthority }: Development): string {
  return `
${madeAuthority ? 'A new authority was made' : 'The authority that was there has signed anew'}; the certificate is for
  ${names.join(' ')}

Use it:
  ./casemate up --tls-cert ${files.certificate} --tls-key ${files.key}

The authority is ${files.authority}
  SHA-256 ${fingerprint}
It can vouch for these names only. Its key stays here, for root alone. To trust it, copy it to where
your browser runs (sudo cat ${files.authority} > casemate.crt), and there:
  Firefox          Settings, Privacy & Security, View Certificates, Authorities, Import; for websites
  Chrome on Linux  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n casemate -i casemate.crt
  macOS            security add-trusted-cert -k ~/Library/Keychains/login.keychain-db casemate.crt
  Debian, Ubuntu   sudo cp casemate.crt /usr/local/share/ca-certificates/ && sudo update-ca-certificates
`;
}

interface Shown {
  readonly source: string;
  readonly names: readonly string[];
  readonly ends: string;
  readonly chain: readonly string[];
  readonly problem: string | null;
}

async function showStatus(args: string[]): Promise<number> {
  const at = args.findIndex((argument) => argument === '-o' || argument === '--output');
  const json = at >= 0 && args[at + 1] === 'json';
  const config = await readConfig(parseUpArguments(at < 0 ? args : args.toSpliced(at, 2)));
  const paths = dataPaths(config.data);
  const running = isLocked(paths) ? readStatus(paths) : null;
  const places =
    config.tlsCertificateFiles.length > 0
      ? config.tlsCertificateFiles
      : usesAcme(config)
        ? [join(paths.tls, `acme-${config.domain}.pem`)]
        : [developmentFiles(paths.tls).certificate];
  const shown = places.filter((place) => existsSync(place)).map((place) => show(place));
  const served = running?.certificates ?? [];
  if (json) console.log(JSON.stringify({ files: shown, served }, null, 2));
  else {
    if (shown.length === 0) console.log(`no certificate at ${places.join(', ')}`);
    for (const { source, names, ends, chain, problem } of shown) {
      console.log(`${source}\n  names  ${names.join(' ')}\n  ends   ${ends}${problem === null ? '' : `  ${problem}`}`);
      for (const link of chain) console.log(`  chain  ${link}`);
    }
    for (const { names, endsMs, problem } of served) {
      console.log(`served now: ${names.join(' ')}, ends ${new Date(endsMs).toISOString()}`);
      if (problem !== null) console.log(`  problem: ${problem}`);
    }
  }
  const wrong = [...shown, ...served].some(({ problem }) => problem !== null);
  return wrong ? exitCodes.failed : exitCodes.done;
}

function show(source: string): Shown {
  const blocks = readFileSync(source, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const chain = blocks.map((block) => new X509Certificate(block));
  const leaf = chain[0];
  if (!leaf) throw new Error(`${source} holds no certificate`);
  const broken = chain.some((link, index) => {
    const issuer = chain[index + 1];
    return issuer !== undefined && !link.checkIssued(issuer);
  });
  const ended = leaf.validToDate.getTime() <= Date.now();
  return {
    source,
    names: (leaf.subjectAltName ?? '').split(', ').map((name) => name.replace(/^(?:DNS|IP Address):/, '')),
    ends: leaf.validToDate.toISOString(),
    chain: chain.map((link) => `${oneLine(link.subject)}, signed by ${oneLine(link.issuer)}`),
    problem: ended ? 'it has ended' : broken ? 'its chain is out of order' : null,
  };
}

const oneLine = (name: string): string => name.split('\n').join(', ');
