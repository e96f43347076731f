'use strict';

/** Through the shop: the cookie says who asks, and the token never enters this page. */
async function throughShop() {
  return read(await fetch('/telenor/user-info'));
}

/** Straight from Telenor: every script on this page can now read the token. */
async function direct() {
  const { access_token, user_info } = await read(await fetch('/access-token', { method: 'POST' }));
  return read(await fetch(user_info, { headers: { authorization: `Bearer ${access_token}` } }));
}

async function read(response) {
  if (response.status === 401) {
    location = `/telenor/login?return_to=${encodeURIComponent(location.pathname)}`;
  }
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}

for (const [id, load] of Object.entries({ 'through-shop': throughShop, direct })) {
  const output = document.querySelector(`output[for=${id}]`);
  document.getElementById(id)?.addEventListener('click', async () => {
    output.textContent = 'Henter …';
    try {
      output.textContent = JSON.stringify(await load(), null, 2);
    } catch (error) {
      output.textContent = `Det gikk ikke: ${error.message}`;
    }
  });
}
