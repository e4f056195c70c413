import type { Probe } from '#main/attack/probe.ts';
import { deviceProbes } from '#main/attack/probes/devices.ts';
import { fileProbes } from '#main/attack/probes/files.ts';
import { identityProbes } from '#main/attack/probes/identity.ts';
import { kernelCallProbes } from '#main/attack/probes/kernel-calls.ts';
import { kernelFileProbes } from '#main/attack/probes/kernel-files.ts';
import { mountProbes } from '#main/attack/probes/mounts.ts';
import { namespaceProbes } from '#main/attack/probes/namespaces.ts';
import { networkProbes } from '#main/attack/probes/network.ts';
import { processProbes } from '#main/attack/probes/processes.ts';

/** Everything that is tried from inside a sandbox. */
export const allProbes: readonly Probe[] = [
  ...fileProbes,
  ...processProbes,
  ...namespaceProbes,
  ...mountProbes,
  ...deviceProbes,
  ...kernelFileProbes,
  ...kernelCallProbes,
  ...networkProbes,
  ...identityProbes,
];
