// The pages by the first part of their address.
import type { Component } from 'svelte';
import Conversations from './conversations/Conversations.svelte';
import Overview from './overview/Overview.svelte';
import Rules from './rules/Rules.svelte';
import Settings from './settings/Settings.svelte';
import Stage from './stage/Stage.svelte';
import Templates from './templates/Templates.svelte';
import Webhooks from './webhooks/Webhooks.svelte';
import Why from './why/Why.svelte';

export type Page = {
  title: string;
  page: Component<any>;
  /** Left out of the navigation. */
  hidden?: boolean;
  /** Only where there is a simulator. */
  simulator?: boolean;
  /** What the page is given of its address. */
  props?: (rest: string[]) => Record<string, string | undefined>;
};

export const PAGES: Record<string, Page> = {
  stage: { title: 'Stage', page: Stage, simulator: true, props: ([message]) => ({ message }) },
  conversations: { title: 'Conversations', page: Conversations, props: ([customer, message]) => ({ customer, message }) },
  templates: { title: 'Templates', page: Templates, props: ([name, part]) => ({ name, part }) },
  rules: { title: 'Rules', page: Rules },
  webhooks: { title: 'Webhooks', page: Webhooks, props: ([part, id]) => ({ part, id }) },
  overview: { title: 'Overview', page: Overview },
  settings: { title: 'Settings', page: Settings, props: ([part]) => ({ part }) },
  why: { title: 'Why', page: Why, hidden: true, props: ([message]) => ({ message: message ?? '' }) },
};
