// Who sits here, and what of the house they may see: asked once from the server, which alone decides.
import { request } from './http';

export type Role = 'owner' | 'agent' | 'viewer';
export type Business = { id: string; name: string; role: Role };
type View = {
  signedIn: boolean;
  user: { id: string; name: string; email: string } | null;
  businesses: Business[];
  /** May make another one: only who owns them all. */
  makesBusinesses: boolean;
  csrf: string | null;
  /** No sign-in, this machine only. */
  dev: boolean;
  /** Whether `/console/sim/` leads to a simulator. */
  simulator: boolean;
  ways: { password: boolean; oidc: boolean };
  version: string;
  /** Why nobody is signed in here, where there is more to say. */
  why: string | null;
};

const KEPT = 'transom.business';

class Session {
  /** Undefined until the first answer. */
  view = $state.raw<View | undefined>();
  /** Why there was no answer. */
  failure = $state.raw<unknown>(null);
  #chosen = $state<string | null>(new URLSearchParams(location.search).get('business') ?? localStorage.getItem(KEPT));

  get signedIn() {
    return this.view?.signedIn ?? false;
  }
  get user() {
    return this.view?.user ?? null;
  }
  get businesses() {
    return this.view?.businesses ?? [];
  }
  get csrf() {
    return this.view?.csrf ?? null;
  }
  get dev() {
    return this.view?.dev ?? false;
  }
  get simulator() {
    return this.view?.simulator ?? false;
  }
  get ways() {
    return this.view?.ways ?? { password: false, oidc: false };
  }
  get version() {
    return this.view?.version ?? '';
  }
  get why() {
    return this.view?.why ?? null;
  }
  /** The business that the pages show. */
  get business(): Business | undefined {
    return this.businesses.find((one) => one.id === this.#chosen) ?? this.businesses[0];
  }
  get role(): Role {
    return this.business?.role ?? 'viewer';
  }
  /** May change what the business is: what others may not do is not offered, and the server refuses it. */
  get owner(): boolean {
    return this.role === 'owner';
  }
  /** May write to customers. */
  get writes(): boolean {
    return this.role !== 'viewer';
  }

  async load(): Promise<void> {
    try {
      this.view = await request<View>('GET', '/console/api/session');
      this.failure = null;
    } catch (error) {
      this.failure = error;
    }
  }

  /** Throws what the server says, for the form to show. */
  async signIn(email: string, password: string): Promise<void> {
    await request('POST', '/console/api/session', { body: { email, password } });
    await this.load();
  }

  async signOut(everywhere = false): Promise<void> {
    await request('DELETE', everywhere ? '/console/api/sessions' : '/console/api/session', { csrf: this.csrf });
    await this.load();
  }

  /** Signs out wherever this person is signed in, here too. */
  async changePassword(given: { old: string; new: string }): Promise<void> {
    await request('PUT', '/console/api/password', { csrf: this.csrf, body: given });
    await this.load();
  }

  choose(id: string): void {
    this.#chosen = id;
    localStorage.setItem(KEPT, id);
  }
}

export const session = new Session();
