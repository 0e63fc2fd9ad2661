/* SPDX-License-Identifier: GPL-2.0 */
/*
 * COMMIT, as module/commit.c and module/contention.c do it: sets of buffers that overlap and
 * compete for memory, and somebody who uses a buffer alone meanwhile.
 *
 * What must hold, whatever the order:
 *   whole   a set has all of its memory, or has given all of it back;
 *   kept    memory is neither lost nor made;
 *   finish  everybody ends;
 *   wins    of sets that each have room alone, one at least has it.
 *
 * A turn is not lost here, as it is to a set whose memory cgroup is past memory.high.
 *
 * ROOM is the memory there is, in buffers. TOUCH adds the one who uses buffer 1 alone,
 * for good; then there may be room for no set at all. NEVER_AGAIN and NEVER_YIELD leave
 * out what makes it right: the first breaks wins, the second finish.
 */
#ifndef ROOM
#define ROOM 2
#endif
#ifndef CLIENTS
#define CLIENTS 3
#endif
#define MOST 3
#define BUFFERS CLIENTS
#define MEMBERS 2
#define NOBODY 255
/* Not a client: has no set, and so waits for a lock with nothing in hand. */
#define TOUCHER CLIENTS

byte room = ROOM;		/* not taken by anybody */
bool backed[MOST];
byte taken[MOST];		/* by one who has not published it */
byte won, ended;

/* contention.c */
byte taking, begun;
bool turn;

/* A ww_mutex for each buffer. A smaller number is older, and wounds who is younger. */
byte holder[MOST] = NOBODY;
bool wounded[MOST];
/* Who has waited is handed it before somebody younger takes it again. */
byte awaited[MOST] = NOBODY;
#define is_awaited(b, me) \
	((me > 0 && awaited[0] == b) || (me > 1 && awaited[1] == b))

/* A ring: each set has a buffer of the next one's, and each locks its own first. */
#define member(me, i) (((me) + (i)) % BUFFERS)

#ifdef NEVER_AGAIN
#define tries_again false
#else
#define tries_again (failed && !alone)
#endif

#ifdef NEVER_YIELD
#define yields false
#else
#define yields (wounded[me] && held > 0)
#endif

#define is_younger(who, me) ((who) != NOBODY && (who) != TOUCHER && (who) > (me))

/* ww_mutex_lock(): @failed where another has the older right to what is held. */
inline lock(me, b, failed)
{
	awaited[me] = b;
	do
	:: atomic { holder[b] == NOBODY && !is_awaited(b, me) && !yields ->
		holder[b] = me; held++; awaited[me] = NOBODY; break }
	:: atomic { yields -> failed = true; awaited[me] = NOBODY; break }
	:: atomic { is_younger(holder[b], me) && !wounded[holder[b]] ->
		wounded[holder[b]] = true }
	od
}

inline unlock(me, b)
{
	if
	:: holder[b] == me -> holder[b] = NOBODY; held--
	:: else
	fi
}

inline unlock_all(me)
{
	for (u : 0 .. MEMBERS - 1) { unlock(me, member(me, u)) }
	assert(held == 0)
}

/* lock_all(): what was in the way is waited for with nothing in hand, and had first. */
inline lock_all(me)
{
	contended = NOBODY;
	do
	:: true ->
		deadlock = false;
		wounded[me] = false;
		if
		:: contended != NOBODY -> lock(me, contended, deadlock)
		:: else
		fi;
		i = 0;
		do
		:: i == MEMBERS || deadlock -> break
		:: i < MEMBERS && !deadlock ->
			b = member(me, i);
			if
			:: b == contended
			:: else -> lock(me, b, deadlock)
			fi;
			i++
		od;
		if
		:: deadlock -> contended = b; unlock_all(me)
		:: else -> break
		fi
	od
}

/*
 * take_all(): nothing where there is no room for the whole set, as check_quotas() finds;
 * else one buffer after the other, all that are needed or none.
 */
inline take_all(me)
{
	atomic { failed = (room < needs[0] + needs[1]) }
	i = 0;
	do
	:: i == MEMBERS || failed -> break
	:: i < MEMBERS && !failed ->
		if
		:: needs[i] ->
			atomic {
				if
				:: room > 0 -> room--; taken[me]++
				:: else -> failed = true
				fi
			}
		:: else
		fi;
		i++
	od;
	if
	:: failed -> atomic { room = room + taken[me]; taken[me] = 0 }
	:: else
	fi
}

/* ba_contention_take() */
inline take_turn(me)
{
	taking++;
	atomic { begun++; mark = begun }
	alone = (taking == 1);
	take_all(me);
	taking--;
	alone = alone && begun == mark;
	if
	:: tries_again ->
		atomic { !turn -> turn = true }
		taking++;
		begun++;
		take_all(me);
		atomic { taking--; turn = false }
	:: else
	fi
}

proctype client(byte me)
{
	byte i, b, u, held, contended, mark;
	bool deadlock, failed, alone;
	bool needs[MEMBERS];

	/* ask_all() */
	lock_all(me);
	atomic { for (i : 0 .. MEMBERS - 1) { needs[i] = !backed[member(me, i)] } }
	unlock_all(me);

	take_turn(me);

	if
	:: !failed ->
		/* publish_all(): cannot fail, and gives back what came too late. */
		lock_all(me);
		atomic {
			for (i : 0 .. MEMBERS - 1) {
				b = member(me, i);
				if
				:: needs[i] && !backed[b] ->
					backed[b] = true; taken[me]--
				:: else
				fi
			}
		}
		unlock_all(me);
		atomic {
			room = room + taken[me]; taken[me] = 0;
			/* whole */
			for (i : 0 .. MEMBERS - 1) { assert(backed[member(me, i)]) }
			won++
		}
	:: else ->
		/* whole */
		assert(taken[me] == 0)
	fi;
	ended++
}

/* The first use of one buffer: its memory comes under its lock. */
proctype toucher()
{
	atomic { holder[1] == NOBODY -> holder[1] = TOUCHER }
	if
	:: backed[1]
	:: !backed[1] ->
		atomic {
			if
			:: room > 0 -> room--; backed[1] = true
			:: else
			fi
		}
	fi;
	holder[1] = NOBODY
}

#define in_buffers (backed[0] + backed[1] + backed[2])
#define in_hand (taken[0] + taken[1] + taken[2])

/* kept */
ltl kept { [] (room + in_buffers + in_hand == ROOM) }
ltl finish { <> (ended == CLIENTS) }
#ifndef TOUCH
ltl wins { [] (ended == CLIENTS -> won > 0) }
#endif

init
{
	byte n;

	atomic {
		for (n : 0 .. CLIENTS - 1) { run client(n) }
#ifdef TOUCH
		run toucher()
#endif
	}
}
