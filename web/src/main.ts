// One program, two pages: the console, and the phones alone, which the simulator serves by itself.
import './tokens.css';
import './base.css';
import './pages/page.css';
import { mount } from 'svelte';
import { onSignedOut } from './lib/http';
import { startRouter } from './lib/router';
import { session } from './lib/session.svelte';
import Phone from './Phone.svelte';
import Shell from './Shell.svelte';

const target = document.getElementById('app')!;
// The bar that stands in the HTML, so that something does before this script is here, gives way to the same one.
target.replaceChildren();
if (target.dataset['page'] === 'phones') mount(Phone, { target });
else {
  startRouter();
  onSignedOut.call = () => void session.load();
  mount(Shell, { target });
}
