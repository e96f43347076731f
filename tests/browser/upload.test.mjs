// A form with a file that the layer answers gets its page, however large the file is.
//
// The form goes to a route of the layer, which reads the form away. In this shop the handlers ask
// for the user, and the form is dropped before the layer sees their answer.
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

const FORM = `
  <form method="post" action="/telenor/callback" enctype="multipart/form-data">
    <input type="file" name="file"><button>Send</button>
  </form>`;

for (const [size, bytes] of Object.entries(SIZES)) {
  test(`a form with a file of ${size} has its page, at each of ${TRIES} tries`, async (t) => {
    const file = join(stage.directory, `${bytes}.bin`);
    await writeFile(file, Buffer.alloc(bytes, 'x'));
    const tab = await (await stage.visitor(t)).tab();
    for (let go = 1; go <= TRIES; go += 1) {
      await tab.open(stage.demo.origin);
      await tab.run(`(document.body.innerHTML = ${JSON.stringify(FORM)})`);
      await tab.choose('input', file);
      await tab.click('button');
      await tab.failure('method_not_allowed');
    }
  });
}
