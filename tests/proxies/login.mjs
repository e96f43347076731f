// A whole login through a proxy, and a logout.

import assert from 'node:assert/strict';

/** A query that software on the way might spell in another way. */
const QUERY = '?vare=r%C3%B8d%20lue&x=a%2Fb+c&tom=&q=%7E';

/**
 * Logs in at `base`, the public address of the shop, and out again.
 *
 * Returns what no log may hold. `start` is the plain-http host, if the login goes by way of it.
 */
export async function logInAndOut(visitor, base, { start } = {}) {
  const page = `${base}/whoami${QUERY}`;
  const challenge = await visitor.open(page);
  assert.equal(challenge.status, 303, 'a page without a session');
  assert.equal(challenge.setCookie.length, 1, 'the cookie of the login');
  let authorize = challenge.headers.location;
  if (start) {
    assert.ok(authorize.startsWith(`${start}/telenor/start?t=`), authorize);
    const startPage = await visitor.open(authorize);
    assert.equal(startPage.status, 200, 'the start page');
    assert.deepEqual(startPage.setCookie, [], 'no cookie on plain http');
    assert.equal(startPage.headers['strict-transport-security'], undefined);
    const other = await visitor.open(`${start}/whoami${QUERY}`);
    assert.equal(other.headers.location, page, 'the start host has no other page');
    assert.deepEqual(other.setCookie, []);
    const go = link(startPage.body, /id="continue" href="([^"]+)"/);
    assert.ok(go.startsWith(`${base}/telenor/start?go=`), go);
    const goneOn = await visitor.open(go);
    assert.equal(goneOn.status, 303, goneOn.body);
    authorize = goneOn.headers.location;
  }

  const callback = await consent(visitor, authorize);
  assert.ok(callback.startsWith(`${base}/telenor/callback?`), callback);
  const signedIn = await visitor.open(callback);
  assert.equal(signedIn.status, 303, title(signedIn));
  assert.equal(signedIn.headers.location, page, 'where the login began, byte for byte');
  assert.equal(signedIn.headers['cache-control'], 'no-store');

  const after = await visitor.open(page);
  assert.equal(after.status, 200, title(after));
  assert.match(after.body, /^[0-9a-f]{64}$/, 'the page has a user');
  const session = JSON.parse((await visitor.open(`${base}/telenor/session`)).body);
  assert.equal(session.signed_in, true);

  // A form of a page of the shop, as a browser sends it.
  const { origin } = new URL(base);
  const headers = { origin, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  const logout = await visitor.open(`${base}/telenor/logout`, { method: 'POST', form: '', headers });
  assert.ok(logout.status === 303 || logout.status === 200, `logout: ${logout.status}`);
  const ended = await visitor.open(`${base}/telenor/session`);
  assert.equal(JSON.parse(ended.body).signed_in, false);
  assert.equal(JSON.parse(ended.body).login, `${base}/telenor/login`);

  const { searchParams } = new URL(callback);
  return [searchParams.get('code'), searchParams.get('state')];
}

/** Does what a subscriber does at the gateway, and returns the address of the callback. */
export async function consent(visitor, authorize) {
  const gateway = new URL(authorize).origin;
  const follow = async (address, options) => {
    const reply = await visitor.open(address, options);
    const { location } = reply.headers;
    return location?.startsWith('/') ? follow(gateway + location) : reply;
  };
  const recognized = await follow(authorize);
  const question = await follow(gateway + link(recognized.body, /action="([^"]+)"/), { method: 'POST', form: '' });
  const allow = { method: 'POST', form: 'answer=allow' };
  const back = await follow(gateway + link(question.body, /action="([^"]+)"/), allow);
  return back.headers.location;
}

function link(html, pattern) {
  const found = pattern.exec(html);
  assert.ok(found, `no ${pattern} in ${html}`);
  return found[1].replaceAll('&amp;', '&').replaceAll('&#38;', '&');
}

const title = ({ status, body }) => `${status} ${/<title>[^<]*/.exec(body) ?? body}`;
