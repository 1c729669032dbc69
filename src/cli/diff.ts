// `npm run diff -- <old> <new>`: what must be known before this version of a topology takes over from that one.

import { diffTopologies, type TopologyDiff } from 'millrace';
import { readOptions, UsageError } from './options.ts';
import { fingerprintOf } from './topology-module.ts';

const USAGE = `Say what to compare: "npm run diff -- <old> <new>". Each is a module that exports a topology, or a .json file that was written with
"npm run describe --silent -- <module> --format json". <old> is what runs now.`;

/** Exit codes: 0 safe, 1 something needs your hand, 2 the command is not meant so. */
export async function run(args: string[]): Promise<number> {
  try {
    const sides = args.filter((arg, index) => !arg.startsWith('-') && args[index - 1] !== '--app');
    const { app } = readOptions('diff', args.filter((arg) => !sides.includes(arg)), {
      app: { kind: 'text', help: 'application id, the start of the names of internal topics' },
    });
    const [oldPath, newPath] = sides;
    if (oldPath === undefined || newPath === undefined || sides.length > 2) throw new UsageError(USAGE);
    const [before, after] = [await fingerprintOf(oldPath), await fingerprintOf(newPath)];
    const applicationId = app ?? after.applicationId ?? before.applicationId ?? '<app>';
    const diff = diffTopologies(before.print, after.print);
    console.log(reportOf(diff).replaceAll('<app>', applicationId));
    return diff.isSafe ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(args.includes('--help') ? `${USAGE}\n${error.message}` : error.message);
    return args.includes('--help') ? 0 : 2;
  }
}

function reportOf({ isSafe, isSame, changes, orphans }: TopologyDiff): string {
  const lines = changes.flatMap(({ verdict, what, why, steps }) => [`${verdict === 'safe' ? 'safe' : 'NEEDS MIGRATION'}  ${what}`, `  ${why}`, ...steps.map((step) => `  → ${step}`), '']);
  if (orphans.length > 0) lines.push('Topics that nobody reads or writes any more, to be deleted when no instance of the old version runs:', ...orphans.map((topic) => `  ${topic}`), '');
  if (isSame) lines.push('Safe: stores, internal topics and tasks are the same. Instances of both versions can run side by side.');
  else if (isSafe) lines.push('Safe: start the new version.');
  else lines.push(`Needs your hand: ${changes.filter(({ verdict }) => verdict !== 'safe').length} of ${changes.length} changes.`);
  return lines.join('\n');
}
