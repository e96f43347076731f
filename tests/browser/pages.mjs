// Every page of the shop, of the layer and of the gateway.

import assert from 'node:assert/strict';

import { NEIGHBOR, SHOP } from './stage.mjs';
import { agree, logIn } from './steps.mjs';

/** Returns a function for each page. It opens the page in an empty tab, and returns its status. */
export function pagesOf(stage) {
  return {
    // The shop's own.
    'landing': async (page) => (await page.goto(SHOP)).status(),
    'landing-signed-in': async (page) => {
      await signIn(page);
      return (await page.goto(SHOP)).status();
    },
    'checkout': async (page) => {
      await signIn(page);
      return 200;
    },
    'checkout-half-filled': async (page) => {
      await page.goto(`${SHOP}/checkout`);
      await askPhone(page, '41 23 45 67');
      await page.click('#ussd-ok');
      await page.click('#allow');
      await page.getByText('mangler hos Telenor').first().waitFor();
      return 200;
    },
    'checkout-with-mistakes': async (page) => {
      await signIn(page);
      await page.fill('#postal_code', 'ni');
      await page.fill('#email', 'kari');
      // Like a browser that does not validate the form.
      await page.locator('#delivery-form').evaluate((form) => (form.noValidate = true));
      return pressing(page, 'text=Kjøp for');
    },
    'manual-form': async (page) => (await page.goto(`${SHOP}/manual-form`)).status(),
    'javascript': async (page) => (await page.goto(`${SHOP}/javascript`)).status(),
    'javascript-loaded': async (page) => {
      await signIn(page);
      const response = await page.goto(`${SHOP}/javascript`);
      await page.click('#through-shop');
      await page.getByText('givenName').waitFor();
      return response.status();
    },
    'thanks': async (page) => (await page.goto(`${SHOP}/orders/thanks`)).status(),
    'not-found': async (page) => (await page.goto(`${SHOP}/nowhere`)).status(),
    'foreign-form': (page) => postFrom(page, NEIGHBOR, '/manual-form'),

    'not-recognized': async (page) => {
      await page.goto(`${SHOP}/checkout`);
      await askPhone(page, '41 23 45 67');
      const status = await pressing(page, '#ussd-timeout');
      assert.equal(await page.locator('.message .button').innerText(), 'Prøv igjen', "the shop's own page");
      return status;
    },

    // The layer's.
    'denied': async (page) => {
      await page.goto(`${SHOP}/checkout`);
      await page.click('#continue');
      return pressing(page, '#deny');
    },
    'denied-at-the-receipt': async (page) => {
      await page.goto(`${SHOP}/payment/done`);
      await page.click('#continue');
      const status = await pressing(page, '#deny');
      assert.match(await page.locator('.consequence').innerText(), /vise kvitteringen din/);
      assert.equal(await page.locator('.secondary').getAttribute('href'), '/orders/thanks');
      return status;
    },
    'denied-with-a-long-message': async (page) => {
      const state = await begin(page);
      const message = 'Donaudampfschifffahrtsgesellschaftskapitän'.repeat(6);
      return callback(page, { error: 'access_denied', error_description: message, state });
    },
    'provider-refused': async (page) => callback(page, { error: 'invalid_request', state: await begin(page) }),
    'provider-error': async (page) => callback(page, { error: 'server_error', state: await begin(page) }),
    'provider-unavailable': async (page) =>
      callback(page, { error: 'temporarily_unavailable', state: await begin(page) }),
    'code-rejected': async (page) => callback(page, { code: 'stale', state: await begin(page) }),
    'callback-malformed': (page) => callback(page, {}),
    'error-without-login': (page) => callback(page, { error: 'server_error' }),
    'callback-astray': async (page) => {
      const state = await begin(page);
      return (await page.goto(`${SHOP}/checkout?code=code&state=${state}`)).status();
    },
    'login-required': async (page) => {
      stage.front.dropsHeader = (name) => name.startsWith('sec-fetch-');
      stage.front.adds = { 'sec-fetch-mode': 'cors' };
      return (await page.goto(`${SHOP}/checkout`)).status();
    },
    'state-unknown': (page) => callback(page, { code: 'code', state: 'AAAAAAAAAAAAAAAAAAAAAA' }),
    'login-loop': async (page) => {
      stage.front.dropsCookie = (name) => name.endsWith('-session');
      await page.goto(`${SHOP}/checkout`);
      await agree(page);
      await page.click('#continue');
      return pressing(page, '#allow');
    },
    'form-not-sent': (page) => postFrom(page, SHOP, '/orders'),
    'cross-site-logout': async (page) => {
      await signIn(page);
      return postFrom(page, NEIGHBOR, '/telenor/logout');
    },
    'method-not-allowed': (page) => postFrom(page, SHOP, '/telenor/callback'),
    'confirm-logout': async (page) => {
      await signIn(page);
      return (await page.goto(`${SHOP}/telenor/logout`)).status();
    },
    'signed-out': async (page) => (await page.goto(`${SHOP}/telenor/logout`)).status(),

    // The gateway's.
    'gateway-recognized': async (page) => (await page.goto(`${SHOP}/checkout`)).status(),
    'gateway-number': async (page) => {
      await page.goto(`${SHOP}/checkout`);
      return pressing(page, '#use-ussd');
    },
    'gateway-wrong-number': async (page) => {
      await page.goto(`${SHOP}/checkout`);
      await page.click('#use-ussd');
      await page.fill('#msisdn', '12345');
      return pressing(page, '#ussd-send');
    },
    'gateway-phone': async (page) => {
      await page.goto(`${SHOP}/checkout`);
      await askPhone(page, '91 23 45 67');
      await page.locator('#ussd-ok').waitFor();
      return 200;
    },
    'gateway-consent': async (page) => {
      await page.goto(`${SHOP}/checkout`);
      return pressing(page, '#continue');
    },
    'gateway-gone': async (page) => (await page.goto(`${stage.gateway}/mock/login/gone`)).status(),
  };

  async function signIn(page) {
    const tab = await logIn(page.context());
    await tab.close();
    await page.goto(`${SHOP}/checkout`);
  }

  /** Starts a login, and returns its state. */
  async function begin(page) {
    await page.goto(`${SHOP}/checkout`);
    const { headers } = await stage.front.seen(({ headers }) => headers.location);
    return new URL(headers.location).searchParams.get('state');
  }

  async function callback(page, parameters) {
    const response = await page.goto(`${SHOP}/telenor/callback?${new URLSearchParams(parameters)}`);
    return response.status();
  }

  async function askPhone(page, number) {
    await page.click('#use-ussd');
    await page.fill('#msisdn', number);
    await page.click('#ussd-send');
  }

  /** Returns the status of the page that a form on another page leads to. */
  async function postFrom(page, origin, action) {
    const form = `<form method="post" action="${SHOP}${action}"><button>Send</button></form>`;
    stage.front.serve(`${origin}/form`, `<!doctype html><title>Form</title>${form}`);
    await page.goto(`${origin}/form`);
    return pressing(page, 'button');
  }

  /** Returns the status of the page that a click leads to. */
  async function pressing(page, button) {
    const isPage = (response) => response.request().isNavigationRequest() && !response.headers().location;
    const [response] = await Promise.all([page.waitForResponse(isPage), page.click(button)]);
    return response.status();
  }
}

/** The statuses that are not 200. */
export const STATUSES = {
  'checkout-with-mistakes': 422,
  'not-found': 404,
  'foreign-form': 403,
  'not-recognized': 403,
  'denied': 403,
  'denied-at-the-receipt': 403,
  'denied-with-a-long-message': 403,
  'provider-refused': 502,
  'provider-error': 502,
  'provider-unavailable': 503,
  'code-rejected': 400,
  'callback-malformed': 400,
  'error-without-login': 400,
  'callback-astray': 400,
  'login-required': 401,
  'state-unknown': 400,
  'login-loop': 400,
  'form-not-sent': 401,
  'cross-site-logout': 403,
  'method-not-allowed': 405,
  'gateway-wrong-number': 422,
  'gateway-gone': 410,
};
