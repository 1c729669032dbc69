// Where commands find a topology: in a module that exports one, or in a file that was written of one.

import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fingerprint, Topology, type Fingerprint, type TopologyJson } from 'millrace';
import { UsageError } from './options.ts';

export interface FoundTopology {
  readonly topology: Topology;
  /** What the module says it runs under. */
  readonly applicationId: string | undefined;
}

/**
 * The `default` or `topology` export of a module: a topology, or a function that builds one. The module runs, so it should connect to nothing.
 * @throws {UsageError} when there is none.
 */
export async function topologyOf(path: string): Promise<FoundTopology> {
  const file = resolve(path);
  if (!existsSync(file)) throw new UsageError(`There is no file ${file}. Give the path of a module that exports a topology.`);
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const exported = module['default'] ?? module['topology'];
  const topology: unknown = typeof exported === 'function' ? await exported() : exported;
  if (!(topology instanceof Topology)) {
    const names = Object.keys(module).join(', ') || 'nothing';
    throw new UsageError(`${path} has no topology to show: it exports ${names}. Export a Topology, or a function without arguments that builds one, as \`default\` or \`topology\`.`);
  }
  return { topology, applicationId: typeof module['applicationId'] === 'string' ? module['applicationId'] : undefined };
}

/** Of a module, or of a file that `describe --format json` or `fingerprint` was written to. @throws {UsageError} */
export async function fingerprintOf(path: string): Promise<{ readonly print: Fingerprint; readonly applicationId: string | undefined }> {
  if (!path.endsWith('.json')) {
    const { topology, applicationId } = await topologyOf(path);
    return { print: fingerprint(topology), applicationId };
  }
  const file = resolve(path);
  if (!existsSync(file)) throw new UsageError(`There is no file ${file}. Write one with \`npm run describe --silent -- <module> --format json > ${path}\`.`);
  const json = parsed(path, readFileSync(file, 'utf8'));
  if (json.format === 'millrace-fingerprint/1') return { print: json, applicationId: undefined };
  if (json.format === 'millrace-topology/1') return { print: json.fingerprint, applicationId: json.applicationId.startsWith('<') ? undefined : json.applicationId };
  throw new UsageError(`${path} is no description of a topology that this release reads: its "format" is ${JSON.stringify((json as { format?: unknown }).format)}.`);
}

function parsed(path: string, text: string): Fingerprint | TopologyJson {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null) return json as Fingerprint | TopologyJson;
  } catch {
    // Said below: what npm or another command printed before it is the usual reason.
  }
  throw new UsageError(`${path} is not JSON. Write it with \`npm run describe --silent -- <module> --format json > ${path}\`: without --silent npm's own lines come before it.`);
}
