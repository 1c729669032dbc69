// Turns Ctrl-C and its relatives into an AbortSignal, so that whatever is going on can end in order. Plain JavaScript: the bootstrap needs it too.

/** What a shell expects of a program that ended on a signal: 128 plus its number. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** A Ctrl-C under `npm start` arrives twice, from the terminal and from npm: signals so close together are one wish. */
const SAME_PRESS_MS = 500;

/**
 * From now on the first signal aborts `signal`; one more, from somebody who does not want to wait, ends this process at once
 * (what it started ends with it, see src/stack/guard.mjs).
 */
export function interruption() {
  const controller = new AbortController();
  const isEcho = echoFilter();
  /** @type {number | undefined} */
  let exitCode;
  /** @param {NodeJS.Signals} name */
  const onSignal = (name) => {
    if (isEcho(name)) return;
    if (exitCode !== undefined) process.exit(exitCode);
    exitCode = EXIT_CODES[/** @type {keyof typeof EXIT_CODES} */ (name)];
    controller.abort(new Error(`interrupted by ${name}`));
  };
  const names = /** @type {NodeJS.Signals[]} */ (Object.keys(EXIT_CODES));
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    /** Set once a signal has come. */
    get exitCode() {
      return exitCode;
    },
    dispose: () => {
      for (const name of names) process.off(name, onSignal);
    },
  };
}

/** @returns {(name: string) => boolean} whether a signal only repeats one that came an instant ago */
export function echoFilter() {
  /** @type {Map<string, number>} */
  const heardAt = new Map();
  return (name) => {
    const before = heardAt.get(name) ?? 0;
    heardAt.set(name, Date.now());
    return Date.now() - before < SAME_PRESS_MS;
  };
}
