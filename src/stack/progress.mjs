// Nobody should look at a silent terminal: anything that takes longer says every few seconds that it is alive, and for how long.

/**
 * @template T
 * @param {(line: string) => void} log
 * @param {string} what such as "Kafka: downloading"
 * @param {(detail: (text: string) => void) => Promise<T>} work may say what it is at; shown with the next line
 * @param {{ everyMs?: number }} [options]
 * @returns {Promise<T>}
 */
export async function withProgress(log, what, work, options = {}) {
  const started = Date.now();
  const seconds = () => ((Date.now() - started) / 1000).toFixed(0);
  let latest = '';
  log(`${what} …`);
  const timer = setInterval(() => log(`${what} … ${seconds()} s${latest && ` (${latest})`}`), options.everyMs ?? 3000);
  try {
    const result = await work((text) => (latest = text));
    log(`${what} … done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
