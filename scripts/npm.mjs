// The computer's own npm, run by the Node we choose: its settings, mirrors and credentials are the user's.
import { basename, delimiter, dirname } from 'node:path';
import { runCommand } from '../src/stack/run-command.mjs';

/**
 * @param {string} node
 * @param {readonly string[]} args
 * @param {{ cwd: string, detail: (text: string) => void, signal: AbortSignal }} options
 */
export async function runNpm(node, args, { cwd, detail, signal }) {
  let answers = 0;
  const [file, ...first] = npmCommand(node);
  await runCommand(file, [...first, ...args, '--loglevel=http', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd,
    env: withNodeFirst(node),
    signal,
    isNoise,
    onLine: (line) => {
      if (isNoise(line)) detail(`${++answers} answers from the package registry`);
    },
  });
}

/** Programs that say `node` get this one. @param {string} node @returns {NodeJS.ProcessEnv} */
export function withNodeFirst(node) {
  return { ...process.env, PATH: [dirname(node), process.env['PATH']].join(delimiter) };
}

/** Under `npm start` npm tells where it lives; other package managers put themselves there. @param {string} node @returns {[string, ...string[]]} */
function npmCommand(node) {
  const running = process.env['npm_execpath'];
  return running !== undefined && basename(running) === 'npm-cli.js' ? [node, running] : ['npm'];
}

/** @param {string} line */
function isNoise(line) {
  return line.startsWith('npm http ');
}
