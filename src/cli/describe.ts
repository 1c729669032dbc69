// `npm run describe -- [module]`: a topology as text, JSON or a Mermaid flowchart; without a module, that of the order system.

import { fileURLToPath } from 'node:url';
import { describe, describeJson, describeMermaid } from 'millrace';
import { readOptions, UsageError } from './options.ts';
import { topologyOf } from './topology-module.ts';

const FORMATS = { text: describe, json: (...args: Parameters<typeof describeJson>) => JSON.stringify(describeJson(...args), undefined, 2), mermaid: describeMermaid };

/** Exit codes: 0 it is shown, 1 it cannot be built, 2 the command is not meant so. */
export async function run(args: string[]): Promise<number> {
  try {
    const modules = args[0]?.startsWith('-') === false ? [args[0]] : [];
    const { format, app } = readOptions('describe', args.slice(modules.length), {
      format: { kind: 'text', default: 'text', help: `one of ${Object.keys(FORMATS).join(', ')}` },
      app: { kind: 'text', help: 'application id, the start of the names of internal topics' },
    });
    const show = (FORMATS as Record<string, (typeof FORMATS)['text'] | undefined>)[format];
    if (show === undefined) throw new UsageError(`--format is ${format}: give one of ${Object.keys(FORMATS).join(', ')}.`);
    const { topology, applicationId } = await topologyOf(modules[0] ?? fileURLToPath(new URL('../orders/topology/described.ts', import.meta.url)));
    console.log(show(topology, app ?? applicationId).trimEnd());
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    return args.includes('--help') ? 0 : 2;
  }
}
