/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal by ncurses; see screen.h. */
#define NCURSES_WIDECHAR 1
#include "screen.h"

#include <curses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

/* Long enough for the rest of a key's sequence, too short to be felt. */
#define ESCAPE_MS 50

static SCREEN *screen;
static bool colours;
static struct termios as_found;

static void watch_fatal_signals(void);
static void on_fatal_signal(int signo);
static void put_now(const char *text);
static void start_colours(void);
static int special(wint_t key);
static attr_t attributes(uint8_t style);
static short pair_of(uint8_t style);

bool screen_is_there(struct err *err)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        err_set(err, "this needs a terminal for its input and output; "
                     "`xray-relay ls`, `show` and `tail` do without");
        return false;
    }
    return true;
}

bool screen_open(struct err *err)
{
    const char *name = getenv("TERM");
    text_locale();
    tcgetattr(STDIN_FILENO, &as_found);
    screen = newterm(NULL, stdout, stdin);
    if (screen == NULL || cursor_address == NULL) {
        screen_close();
        err_set(err,
                "the terminal \"%.64s\" is unknown or can't do this; if yours "
                "is like xterm: TERM=xterm-256color xray-relay tui",
                name == NULL ? "" : name);
        return false;
    }
    set_escdelay(ESCAPE_MS);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    watch_fatal_signals();
    start_colours();
    return true;
}

void screen_close(void)
{
    if (screen == NULL)
        return;
    endwin();
    delscreen(screen);
    screen = NULL;
}

void screen_size(unsigned *width, unsigned *height)
{
    struct winsize w;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 &&
        w.ws_col > 0 && (w.ws_row != LINES || w.ws_col != COLS)) {
        resizeterm(w.ws_row, w.ws_col);
        clearok(curscr, TRUE);
    }
    *width = (unsigned)COLS;
    *height = (unsigned)LINES;
}

int screen_key(void)
{
    wint_t key;
    switch (get_wch(&key)) {
    case KEY_CODE_YES:
        return special(key);
    case OK:
        return key == '\r' || key == '\n'   ? SCREEN_ENTER
               : key == 0x7f || key == '\b' ? SCREEN_BACKSPACE
               : key == 0x1b                ? SCREEN_ESCAPE
                                            : (int)key;
    default:
        return SCREEN_NONE;
    }
}

void screen_show(const struct canvas *c)
{
    for (unsigned y = 0; y < c->height; y++)
        for (unsigned x = 0; x < c->width; x++) {
            const struct cell *cell = &c->cells[(size_t)y * c->width + x];
            wchar_t text[CCHARW_MAX + 1] = {0};
            cchar_t shown;
            if (cell->c[0] == 0)
                continue;
            for (unsigned i = 0; i <= CELL_MARKS; i++)
                text[i] = cell->c[i];
            setcchar(&shown, text, attributes(cell->style),
                     pair_of(cell->style), NULL);
            mvadd_wch((int)y, (int)x, &shown);
        }
    curs_set(c->cursor);
    if (c->cursor)
        move((int)c->cursor_y, (int)c->cursor_x);
    refresh();
}

static void watch_fatal_signals(void)
{
    static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    struct sigaction action = {.sa_handler = on_fatal_signal,
                               .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
        sigaction(fatal[i], &action, NULL);
}

/* Leaves the terminal usable, with what is safe in a handler. */
static void on_fatal_signal(int signo)
{
    put_now(exit_ca_mode);
    put_now(cursor_normal);
    tcsetattr(STDIN_FILENO, TCSANOW, &as_found);
    raise(signo);
}

static void put_now(const char *text)
{
    if (text != NULL)
        (void)!write(STDOUT_FILENO, text, strlen(text));
}

static void start_colours(void)
{
    static const short of[] = {[LINE_OK] = COLOR_GREEN,
                               [LINE_ERROR] = COLOR_YELLOW,
                               [LINE_THROTTLE] = COLOR_MAGENTA,
                               [LINE_FAULT] = COLOR_RED,
                               [LINE_RUNNING] = COLOR_CYAN};
    colours = text_may_colour() && has_colors() && start_color() == OK &&
              use_default_colors() == OK;
    if (!colours)
        return;
    for (short i = LINE_OK; i <= LINE_RUNNING; i++)
        init_pair(i, of[i], -1);
}

static int special(wint_t key)
{
    static const struct {
        wint_t from;
        int to;
    } keys[] = {
        {KEY_UP, SCREEN_UP},         {KEY_DOWN, SCREEN_DOWN},
        {KEY_LEFT, SCREEN_LEFT},     {KEY_RIGHT, SCREEN_RIGHT},
        {KEY_PPAGE, SCREEN_PAGE_UP}, {KEY_NPAGE, SCREEN_PAGE_DOWN},
        {KEY_HOME, SCREEN_HOME},     {KEY_END, SCREEN_END},
        {KEY_DC, SCREEN_DELETE},     {KEY_BTAB, SCREEN_BACK_TAB},
        {KEY_ENTER, SCREEN_ENTER},   {KEY_BACKSPACE, SCREEN_BACKSPACE},
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i].from == key)
            return keys[i].to;
    return SCREEN_OTHER;
}

static attr_t attributes(uint8_t style)
{
    attr_t a = A_NORMAL;
    if ((style & 0x0f) == LINE_DIM)
        a |= A_DIM;
    if (style & STYLE_BOLD)
        a |= A_BOLD;
    if (style & STYLE_REVERSE)
        a |= A_REVERSE;
    return a;
}

static short pair_of(uint8_t style)
{
    uint8_t colour = style & 0x0f;
    return colours && colour >= LINE_OK ? (short)colour : (short)0;
}
