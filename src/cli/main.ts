// `millrace <command>`: each command is a file beside this one that exports `run(args)` and answers the exit code.
import { existsSync } from 'node:fs';

const [command = 'help', ...args] = process.argv.slice(2);
const file = new URL(`./${command}.ts`, import.meta.url);
if (!/^[a-z-]+$/.test(command) || command === 'main' || !existsSync(file)) {
  console.error(`There is no command "${command}". The npm scripts in package.json are the commands there are: \`npm run\` lists them.`);
  process.exit(2);
}
const { run } = (await import(file.href)) as { run: (args: string[]) => Promise<number> };
try {
  process.exit(await run(args));
} catch (error) {
  console.error(error instanceof Error && 'remedy' in error ? error.message : error);
  process.exit(1);
}
