import { defineJob } from "millrace";

const flightsWithCities = `
  select flight.date, flight.delay, flight.distance,
         flight.origin, flight.destination, airport.city, airport.state
  from flights as flight
  join airports as airport on airport.iata = flight.origin
  where flight.date >= {since}
`;

/** Every flight with the city it left from. */
export const loadFlights = defineJob({
  name: "load_flights",
  query: flightsWithCities,
  params: { since: "DATE" },
  destination: { table: "app.flights", mode: "overwrite", createIfMissing: true },
});

/** The ten cities where flights leave latest. A parameter with a default may be left out. */
export const delaysByCity = defineJob({
  name: "delays_by_city",
  query: `
    select airport.city || ', ' || airport.state as city, avg(flight.delay) as avg_delay, count(*) as flights
    from flights as flight join airports as airport on airport.iata = flight.origin
    where flight.distance >= {min_distance}
    group by airport.city, airport.state
    having count(*) >= {min_flights}
    order by avg_delay desc limit 10
  `,
  params: { min_distance: "DOUBLE", min_flights: { type: "BIGINT", default: 20_000 } },
  destination: { table: "app.delays_by_city", mode: "overwrite", createIfMissing: true },
});

/** The same flights as a Lance table, which is made with the columns of the query. */
export const keepFlights = defineJob({
  name: "keep_flights",
  query: flightsWithCities,
  params: { since: "DATE" },
  destination: { table: "lake.flights", mode: "overwrite" },
});

/** Reads what `keep_flights` has written. */
export const busiestRoutes = defineJob({
  name: "busiest_routes",
  query: `
    select origin || ' to ' || destination as route, count(*) as flights, avg(delay) as delay
    from lake.flights
    group by all
    having avg(delay) is not null
    order by flights desc, route limit 5
  `,
  destination: { table: "app.busiest_routes", mode: "overwrite", createIfMissing: true },
});

/** Does not fit its table: it yields `minutes`, and the table has `delay`. */
export const appendLateFlights = defineJob({
  name: "append_late_flights",
  query: "select date, delay as minutes, origin, destination from flights where delay >= {least_delay}",
  params: { least_delay: "BIGINT" },
  destination: { table: "app.flights", mode: "append" },
});

/** As `load_flights`, with one value that is not a number, in row `dirty_row`. */
export const loadDirtyFlights = defineJob({
  name: "load_dirty_flights",
  query: `
    select * replace (cast(if(row_number() over () = {dirty_row}, 'n/a', cast(delay as varchar)) as bigint) as delay)
    from (${flightsWithCities})
  `,
  params: { since: "DATE", dirty_row: "BIGINT" },
  destination: { table: "app.flights", mode: "overwrite" },
});
