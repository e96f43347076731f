// A form with a file that the layer answers gets its page, however large the file is.
//
// One form goes to a route of the layer, and one to a handler of the shop that asks for the user.
//
// The browser speaks to the shop itself. A proxy would read the form in place of the shop.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { openAnyStage } from './tab.mjs';

const stage = await openAnyStage({ TELENOR_REDIRECT_URI: undefined });
after(() => stage.close());

const SIZES = { '50 KB': 50e3, '1 MB': 1e6, '8 MB': 8e6 };
const TRIES = 5;

const TARGETS = { '/telenor/callback': 'method_not_allowed', '/orders': 'form_not_sent' };

const form = (action) => `
  <form method="post" action="${action}" enctype="multipart/form-data">
    <input type="file" name="file"><button>Send</button>
  </form>`;

const cases = Object.entries(TARGETS).flatMap(([action, cause]) =>
  Object.entries(SIZES).map(([size, bytes]) => ({ action, cause, size, bytes })),
);

for (const { action, cause, size, bytes } of cases) {
  test(`a file of ${size} for ${action} has its page, at each of ${TRIES} tries`, async (t) => {
    const file = join(stage.directory, `${bytes}.bin`);
    await writeFile(file, Buffer.alloc(bytes, 'x'));
    const tab = await (await stage.visitor(t)).tab();
    for (let go = 1; go <= TRIES; go += 1) {
      await tab.open(stage.demo.origin);
      await tab.run(`(document.body.innerHTML = ${JSON.stringify(form(action))})`);
      await tab.choose('input', file);
      await tab.click('button');
      await tab.failure(cause);
    }
  });
}
