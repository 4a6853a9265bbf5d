/** @file The page's icons: strokes on a 24 × 24 grid, in the colour of the text around them. */
import type { ComponentChildren } from "preact";

function Icon({ children }: { readonly children: ComponentChildren }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const SendIcon = () => (
  <Icon>
    <path d="M12 19V5M6 11l6-6 6 6" />
  </Icon>
);
export const StopIcon = () => (
  <Icon>
    <rect x="7" y="7" width="10" height="10" rx="1.5" fill="currentColor" />
  </Icon>
);
export const AgainIcon = () => (
  <Icon>
    <path d="M4 12a8 8 0 0 1 13.7-5.6L20 8.5M20 4v4.5h-4.5M20 12a8 8 0 0 1-13.7 5.6L4 15.5M4 20v-4.5h4.5" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon>
    <rect x="9" y="9" width="11" height="11" rx="2" />
    <path d="M5 15a1.5 1.5 0 0 1-1-1.4V5.5A1.5 1.5 0 0 1 5.5 4h8.1A1.5 1.5 0 0 1 15 5" />
  </Icon>
);
export const CheckIcon = () => (
  <Icon>
    <path d="m5 12.5 4.5 4.5L19 7.5" />
  </Icon>
);
export const NewIcon = () => (
  <Icon>
    <path d="M12 5v14M5 12h14" />
  </Icon>
);
export const SlidersIcon = () => (
  <Icon>
    <path d="M4 7h9M19 7h1M4 17h1M11 17h9" />
    <circle cx="16" cy="7" r="2.6" />
    <circle cx="8" cy="17" r="2.6" />
  </Icon>
);
export const SunIcon = () => (
  <Icon>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M20 14.2A8 8 0 0 1 9.8 4a8 8 0 1 0 10.2 10.2Z" />
  </Icon>
);
export const DownIcon = () => (
  <Icon>
    <path d="M12 5v14M6 13l6 6 6-6" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="M6 6l12 12M18 6 6 18" />
  </Icon>
);
export const BackspaceIcon = () => (
  <Icon>
    <path d="M9 5h9.5A1.5 1.5 0 0 1 20 6.5v11a1.5 1.5 0 0 1-1.5 1.5H9l-6-7 6-7ZM11 9.5l5 5M16 9.5l-5 5" />
  </Icon>
);
export const ChevronIcon = () => (
  <Icon>
    <path d="m9 5 7 7-7 7" />
  </Icon>
);
export const PencilIcon = () => (
  <Icon>
    <path d="m4 20 1-4.5L16.5 4 20 7.5 8.5 19 4 20ZM14 6.5l3.5 3.5" />
  </Icon>
);
export const FileIcon = () => (
  <Icon>
    <path d="M7 3h7l4 4v14H7a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 7 3ZM14 3v4h4M9 12h6M9 16h6" />
  </Icon>
);
export const ClipIcon = () => (
  <Icon>
    <path d="m19.5 11-8 8a5 5 0 0 1-7-7l8.5-8.5a3.3 3.3 0 0 1 4.7 4.7L9.5 16.5a1.7 1.7 0 0 1-2.4-2.4L15 6.5" />
  </Icon>
);
export const ToolIcon = () => (
  <Icon>
    <path d="M14.5 6.5a4 4 0 0 1 5-1l-2.5 2.5 1.5 1.5 2-2.2a4 4 0 0 1-5.5 4.7L8 19a2 2 0 0 1-3-3l7-7a4 4 0 0 1 2.5-2.5Z" />
  </Icon>
);
export const ThumbIcon = () => (
  <Icon>
    <path d="M8 11v9M8 11l4-7.5a2 2 0 0 1 2 2.3L13.5 9.5h5a1.7 1.7 0 0 1 1.6 2.1l-1.6 7a1.7 1.7 0 0 1-1.7 1.4H4.5V11H8Z" />
  </Icon>
);
export const ListIcon = () => (
  <Icon>
    <path d="M4 6h16M4 12h16M4 18h10" />
  </Icon>
);
export const MoreIcon = () => (
  <Icon>
    <g fill="currentColor" stroke="none">
      <circle cx="5.5" cy="12" r="1.7" />
      <circle cx="12" cy="12" r="1.7" />
      <circle cx="18.5" cy="12" r="1.7" />
    </g>
  </Icon>
);
export const OriginIcon = () => (
  <Icon>
    <path d="M5 4h9l5 5v4M5 4v16h6M14 4v5h5" />
    <circle cx="16" cy="17" r="3" />
    <path d="m18.3 19.3 2.2 2.2" />
  </Icon>
);
export const KeyboardIcon = () => (
  <Icon>
    <rect x="2.5" y="6" width="19" height="12" rx="2" />
    <path d="M6 10h.01M10 10h.01M14 10h.01M18 10h.01M8 14h8" />
  </Icon>
);
export const Mark = () => (
  <svg class="mark" viewBox="0 0 32 32" fill="currentColor" aria-hidden="true">
    <circle cx="16" cy="7" r="4.2" />
    <circle cx="9.6" cy="15.2" r="5" />
    <circle cx="20.6" cy="15.4" r="5.4" />
    <circle cx="6.2" cy="24.6" r="4.4" />
    <circle cx="15.4" cy="25" r="4.6" />
    <circle cx="25.2" cy="25" r="4.8" />
  </svg>
);
export const KeyIcon = () => (
  <Icon>
    <circle cx="8" cy="15" r="4" />
    <path d="M11 12l9-9M16 7l3 3M14 9l2 2" />
  </Icon>
);
