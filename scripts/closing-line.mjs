// Says `N passed, N failed` as the last line of a CI run, from vitest's own results and the exit code of `npm test`.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Never a green line for a run that was not: whatever is wrong without any test being to blame counts as one failure.
 * @param {string | undefined} resultsText what vitest's json reporter wrote; undefined if there is no such file
 * @param {number} exitCode of `npm test`
 * @returns {{ passed: number, failed: number }}
 */
export function count(resultsText, exitCode) {
  let [passed, failed] = [0, 0];
  try {
    for (const file of JSON.parse(resultsText ?? '').testResults) {
      const states = file.assertionResults.map((/** @type {{ status: string }} */ test) => test.status);
      const failedHere = states.filter((/** @type {string} */ state) => state === 'failed').length;
      passed += states.filter((/** @type {string} */ state) => state === 'passed').length;
      // A file that could not even be loaded, or whose hooks failed, has no failed test in it.
      failed += failedHere === 0 && file.status === 'failed' ? 1 : failedHere;
    }
  } catch {
    // No results, or half of them: the types did not check, the stack did not come up, or vitest crashed.
    if (failed === 0) failed = 1;
  }
  if (failed === 0 && (exitCode !== 0 || passed === 0)) failed = 1;
  return { passed, failed };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file = '', exitCode = '1'] = process.argv.slice(2);
  const { passed, failed } = count(readIfThere(file), Number(exitCode));
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

/** @param {string} file */
function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
